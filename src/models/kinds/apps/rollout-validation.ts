import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { IntOrString } from '../../scalars.ts'
import { checkCountOrPercent, checkNotMoreThanAll, isZeroCount } from '../checks.ts'

/** How many pods may be missing and how many too many while a rollout runs; not both none. */
export function checkRollout(field: string, rollout: { maxUnavailable?: IntOrString; maxSurge?: IntOrString }) {
  const { maxUnavailable, maxSurge } = rollout
  const errors = [
    ...checkCountOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...checkCountOrPercent(`${field}.maxSurge`, maxSurge),
    ...checkNotMoreThanAll(`${field}.maxUnavailable`, maxUnavailable),
  ]
  if (isZeroCount(maxUnavailable) && isZeroCount(maxSurge))
    errors.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  return errors
}

/** A strategy with its parameters, and no others. */
export function checkStrategy(
  field: string,
  strategy: { type?: string; rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString } } | undefined,
  fixed: string,
): FieldError[] {
  if (!strategy?.type) return [required(`${field}.type`)]
  if (strategy.type === fixed)
    return strategy.rollingUpdate
      ? [forbidden(`${field}.rollingUpdate`, `may not be specified when strategy \`type\` is '${fixed}'`)]
      : []
  if (!strategy.rollingUpdate) return [required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil')]
  return checkRollout(`${field}.rollingUpdate`, strategy.rollingUpdate)
}
