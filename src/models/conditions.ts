interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

/** The condition of a type, if the object has it. */
export function conditionOf<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find(c => c.type === type)
}

/** Whether the condition is there, and True. */
export const holds = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True'

/**
 * The list with `next` in it. The transition time stays when the status does, and an equal status with an equal reason changes
 * nothing at all, so that a rewritten message alone is no news.
 */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C): C[] {
  const list = [...(conditions ?? [])]
  const at = list.findIndex(c => c.type === next.type)
  const now = list[at]
  if (!now) return [...list, next]
  if (now.status === next.status && now.reason === next.reason) return list
  const { lastTransitionTime } = now.status === next.status ? now : next
  list.splice(at, 1)
  return [...list, lastTransitionTime ? { ...next, lastTransitionTime } : next]
}

/** As withCondition, but a new message is written too, and the place in the list is kept. */
export function withLatestCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C): C[] {
  const list = [...(conditions ?? [])]
  const at = list.findIndex(c => c.type === next.type)
  const now = list[at]
  if (!now) return [...list, next]
  const { lastTransitionTime } = now.status === next.status ? now : next
  list[at] = lastTransitionTime ? { ...next, lastTransitionTime } : next
  return list
}

export function withoutCondition<C extends Condition>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter(c => c.type !== type)
}
