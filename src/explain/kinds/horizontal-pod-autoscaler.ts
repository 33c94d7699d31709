import { conditionOf } from '../../models/conditions.ts'
import { HorizontalPodAutoscaler } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'

export const horizontalPodAutoscaler: Explainer<HorizontalPodAutoscaler> = {
  kind: HorizontalPodAutoscaler,
  summary({ spec, status }) {
    const { kind, name } = spec.scaleTargetRef
    const { currentReplicas: now = 0, desiredReplicas: wanted = 0 } = status ?? {}
    return `${kind} ${name} has ${now} replicas and should have ${wanted}, between ${spec.minReplicas ?? 1} and ${spec.maxReplicas}`
  },
  findings({ spec, status }) {
    const of = (type: string) => conditionOf(status?.conditions, type)
    const [able, active, limited] = [of('AbleToScale'), of('ScalingActive'), of('ScalingLimited')]
    const found: Finding[] = []
    if (!status?.conditions?.length) found.push(waits('its controller has not looked at it yet'))
    if (able?.status === 'False') found.push(stops(`${able.reason}: ${able.message}`, targetStep(able.reason)))
    if (active?.status === 'False') found.push(stops(`${active.reason}: ${active.message}`, metricStep(active)))
    if (limited?.status === 'True') {
      const field =
        limited.reason === 'TooManyReplicas'
          ? 'spec.maxReplicas'
          : limited.reason === 'TooFewReplicas'
            ? 'spec.minReplicas'
            : undefined
      found.push(
        field ? stops(`${limited.message}`, `Change ${field} to let it go further.`) : waits(`${limited.message}`),
      )
    }
    if (able?.status === 'True' && /Stabilized$/.test(able.reason ?? ''))
      found.push(waits(`${able.message} (spec.behavior: stabilizationWindowSeconds)`))
    if (!found.length) found.push(well(`its metrics ask for what is there: ${status?.desiredReplicas} replicas`))
    return found

    function targetStep(reason: string | undefined): string | undefined {
      const { kind, name } = spec.scaleTargetRef
      return reason === 'FailedGetScale' ? `See whether ${kind} ${name} is there (spec.scaleTargetRef).` : undefined
    }
  },
}

function metricStep({ reason, message }: { reason?: string; message?: string }): string | undefined {
  if (/missing request for/.test(message ?? '')) return 'Set resources.requests in every container of its pods.'
  if (reason === 'ScalingDisabled') return 'Its target has 0 replicas: scale it to 1 or more to have it scaled again.'
  if (/FailedGetResourceMetric/.test(reason ?? '')) return 'See whether usage is known: kubectl top pods'
  return undefined
}
