import { conditionOf } from '../../models/conditions.ts'
import { PodDisruptionBudget } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'

export const podDisruptionBudget: Explainer<PodDisruptionBudget> = {
  kind: PodDisruptionBudget,
  summary: ({ status }) => `it allows ${status?.disruptionsAllowed ?? 0} of its pods to be evicted now`,
  findings({ metadata, spec, status }) {
    const { generation = 0 } = metadata
    if (!status || (status.observedGeneration ?? 0) < generation)
      return [waits('its controller has not looked at it yet')]
    const failed = conditionOf(status.conditions, 'DisruptionAllowed')
    if (failed?.reason === 'SyncFailed') return [stops(`${failed.message}`)]
    const {
      expectedPods: expected,
      desiredHealthy: desired,
      currentHealthy: healthy,
      disruptionsAllowed: allowed,
    } = status
    if (!expected) return [stops('spec.selector matches no pod: it protects nothing')]
    const found: Finding[] = [well(`${healthy} of ${expected} pods are ready, ${desired} have to be (${rule(spec)})`)]
    if (allowed) return found
    if (desired >= expected)
      found.push(
        stops(
          `${rule(spec)} never lets one of ${expected} go: a node with such a pod cannot be drained`,
          'Ask for one less, or have one replica more.',
        ),
      )
    else if (healthy < desired + 1)
      found.push(
        waits(
          `one may go when ${desired + 1} are ready`,
          'See what keeps the others from being ready: optiflow why pod/NAME',
        ),
      )
    return found
  },
}

const rule = (spec: PodDisruptionBudget['spec']): string =>
  spec?.maxUnavailable === undefined
    ? `spec.minAvailable: ${spec?.minAvailable ?? 1}`
    : `spec.maxUnavailable: ${spec.maxUnavailable}`
