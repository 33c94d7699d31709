import type { Column } from '../../kind.ts'
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../types/autoscaling-v2.ts'
import { firstFew, text } from '../columns.ts'

/** Of one resource: `cpu: 12%/50%` or `memory: 80Mi/100Mi`. */
function resourceText(name: string, target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined)
    return `${name}: ${current ? (current.averageValue ?? '0') : '<unknown>'}/${target.averageValue}`
  const percent = (n: number | undefined, otherwise: string) => (n === undefined ? otherwise : `${n}%`)
  return `${name}: ${percent(current?.averageUtilization, '<unknown>')}/${percent(target.averageUtilization, '<auto>')}`
}

/** Of one object or outside metric: `3/5`, or `3/5 (avg)`. */
function valueText(target: MetricTarget, current: MetricValueStatus | undefined): string {
  return target.averageValue !== undefined
    ? `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`
    : `${current ? (current.value ?? '0') : '<unknown>'}/${target.value ?? '0'}`
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  if (spec.type === 'Resource' && spec.resource)
    return resourceText(spec.resource.name, spec.resource.target, status?.resource?.current)
  if (spec.type === 'ContainerResource' && spec.containerResource)
    return resourceText(spec.containerResource.name, spec.containerResource.target, status?.containerResource?.current)
  if (spec.type === 'Object' && spec.object) return valueText(spec.object.target, status?.object?.current)
  if (spec.type === 'External' && spec.external) return valueText(spec.external.target, status?.external?.current)
  if (spec.type === 'Pods' && spec.pods)
    return `${status?.pods ? (status.pods.current.averageValue ?? '0') : '<unknown>'}/${spec.pods.target.averageValue ?? '0'}`
  return '<unknown type>'
}

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const texts = (spec.metrics ?? []).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  return texts.length ? firstFew(texts, 2, ', ') : '<none>'
}

export const hpaColumns: Column<HorizontalPodAutoscaler>[] = [
  text('Reference', hpa => `${hpa.spec.scaleTargetRef.kind}/${hpa.spec.scaleTargetRef.name}`),
  text('Targets', targets),
  text('MinPods', hpa => String(hpa.spec.minReplicas ?? '<unset>')),
  text('MaxPods', hpa => hpa.spec.maxReplicas),
  text('Replicas', hpa => hpa.status?.currentReplicas ?? 0),
]
