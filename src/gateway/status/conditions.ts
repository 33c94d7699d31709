import type { Condition } from '../../models/types/meta-v1.ts'

/** A condition as it is meant: without times. */
export type Meant = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export const isTrue = (type: string, reason = type, message = ''): Meant => ({ type, status: 'True', reason, message })
export const isFalse = (type: string, reason: string, message: string): Meant => ({
  type,
  status: 'False',
  reason,
  message,
})

/** `meant` with the time of the last change of each; conditions that others own stay. */
export function withTimes(
  meant: readonly Meant[],
  before: readonly Condition[] | undefined,
  observedGeneration: number | undefined,
  now: string,
): Condition[] {
  const others = (before ?? []).filter(c => !meant.some(m => m.type === c.type))
  return [
    ...others,
    ...meant.map(condition => {
      const old = before?.find(c => c.type === condition.type)
      const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now
      return { ...condition, lastTransitionTime, ...(observedGeneration ? { observedGeneration } : {}) }
    }),
  ]
}
