import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import { goIntOrString } from '../../go-text.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkCountOrPercent, checkNonNegative, checkNotMoreThanAll, isZeroCount } from '../checks.ts'

type IntOrString = number | string

/** How many pods may be missing and how many too many while a rollout runs; not both none. */
export function checkRollout(field: string, rollout: { maxUnavailable?: IntOrString; maxSurge?: IntOrString }) {
  const { maxUnavailable, maxSurge } = rollout
  const errors = [
    ...checkCountOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...checkCountOrPercent(`${field}.maxSurge`, maxSurge),
  ]
  if (isZeroCount(maxUnavailable) && isZeroCount(maxSurge)) {
    const value = goIntOrString(maxUnavailable ?? 0)
    errors.push(invalid(`${field}.maxUnavailable`, value, 'may not be 0 when `maxSurge` is 0'))
  }
  return [...errors, ...checkNotMoreThanAll(`${field}.maxUnavailable`, maxUnavailable)]
}

/** How a Deployment's pods are replaced: all at once, or by the numbers. */
export function checkDeploymentStrategy(strategy: apps.DeploymentStrategy = {}): FieldError[] {
  const at = 'spec.strategy.rollingUpdate'
  switch (strategy.type) {
    case 'Recreate':
      return strategy.rollingUpdate ? [forbidden(at, "may not be specified when strategy `type` is 'Recreate'")] : []
    case 'RollingUpdate':
      return strategy.rollingUpdate
        ? checkRollout(at, strategy.rollingUpdate)
        : [required(at, 'this should be defaulted and never be nil')]
    default:
      return [notSupported('spec.strategy', strategy, ['Recreate', 'RollingUpdate'])]
  }
}

/** How daemons are replaced. What is said of a rollout is not read when there is none. */
export function checkDaemonStrategy(strategy: apps.DaemonSetUpdateStrategy = {}): FieldError[] {
  const at = 'spec.updateStrategy.rollingUpdate'
  if (strategy.type === 'OnDelete') return []
  if (strategy.type !== 'RollingUpdate')
    return [notSupported('spec.updateStrategy', strategy, ['RollingUpdate', 'OnDelete'])]
  if (!strategy.rollingUpdate) return [required(at)]
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate
  const errors = [
    ...checkCountOrPercent(`${at}.maxUnavailable`, maxUnavailable),
    ...checkCountOrPercent(`${at}.maxSurge`, maxSurge),
    ...checkNotMoreThanAll(`${at}.maxUnavailable`, maxUnavailable),
    ...checkNotMoreThanAll(`${at}.maxSurge`, maxSurge),
  ]
  if (isZeroCount(maxUnavailable) && isZeroCount(maxSurge))
    errors.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  if (!isZeroCount(maxUnavailable) && !isZeroCount(maxSurge)) {
    const value = goIntOrString(maxSurge ?? 0)
    errors.push(invalid(`${at}.maxSurge`, value, 'may not be set when maxUnavailable is non-zero'))
  }
  return errors
}

/** How the pods of a StatefulSet are replaced. */
export function checkStatefulStrategy(strategy: apps.StatefulSetUpdateStrategy = {}): FieldError[] {
  const at = 'spec.updateStrategy.rollingUpdate'
  const type: string = strategy.type ?? ''
  switch (type) {
    case '':
      return [required('spec.updateStrategy')]
    case 'OnDelete':
      return strategy.rollingUpdate
        ? [invalid(at, strategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
        : []
    case 'RollingUpdate':
      return checkNonNegative(`${at}.partition`, strategy.rollingUpdate?.partition)
    default:
      return [invalid('spec.updateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'")]
  }
}
