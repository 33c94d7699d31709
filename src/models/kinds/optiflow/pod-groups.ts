import { type FieldError, invalid, required } from '../../field-error.ts'

/** Pods in one group. */
const largestGroup = 1_000

/** A group that asks something for many pods: how many there are, that each is named, and what `more` finds wrong with one. */
export function checkGroup<Member extends { namespace?: string; name?: string }>(
  pods: readonly Member[] = [],
  more: (at: string, pod: Member) => FieldError[] = () => [],
): FieldError[] {
  const errors: FieldError[] = []
  if (!pods.length) errors.push(required('spec.pods'))
  if (pods.length > largestGroup)
    errors.push(invalid('spec.pods', pods.length, `must have at most ${largestGroup} items`))
  for (const [i, pod] of pods.entries()) {
    const at = `spec.pods[${i}]`
    if (!pod.namespace) errors.push(required(`${at}.namespace`))
    if (!pod.name) errors.push(required(`${at}.name`))
    errors.push(...more(at, pod))
  }
  return errors
}
