import { isPathSegmentName } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricTarget } from '../../types/autoscaling-v2.ts'
import { checkOneOf, checkRange, texts } from '../checks.ts'

const sources = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'] as const
const fieldOf = (source: string) => source.charAt(0).toLowerCase() + source.slice(1)

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas, maxReplicas, scaleTargetRef: target } = spec
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  if (!(maxReplicas > 0)) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  if (!target?.kind) errors.push(required('spec.scaleTargetRef.kind'))
  if (!target?.name) errors.push(required('spec.scaleTargetRef.name'))
  for (const [i, metric] of (spec.metrics ?? []).entries()) errors.push(...checkMetric(`spec.metrics[${i}]`, metric))
  for (const way of ['scaleUp', 'scaleDown'] as const) {
    const rules = spec.behavior?.[way]
    if (rules) errors.push(...checkRules(`spec.behavior.${way}`, rules))
  }
  return errors
}

function checkMetric(field: string, metric: MetricSpec): FieldError[] {
  const errors = metric.type ? [] : [required(`${field}.type`, 'must specify a metric source type')]
  errors.push(...checkOneOf(`${field}.type`, metric.type, sources))
  if (errors.length) return errors
  const own = fieldOf(metric.type) as keyof MetricSpec
  if (!metric[own]) errors.push(required(`${field}.${own}`, `must populate information for the given metric source`))
  for (const source of sources) {
    const name = fieldOf(source) as keyof MetricSpec
    if (name !== own && metric[name])
      errors.push(forbidden(`${field}.${name}`, 'must populate the given metric source only'))
  }
  const source = metric[own]
  if (source && typeof source === 'object')
    errors.push(...checkTarget(`${field}.${own}.target`, source.target), ...checkSource(`${field}.${own}`, metric))
  return errors
}

/** What each source must say beyond its target. */
function checkSource(field: string, { type, object, pods, external, resource, containerResource }: MetricSpec) {
  const target = `${field}.target`
  switch (type) {
    case 'Object':
      return [
        ...checkReference(`${field}.describedObject`, object!.describedObject),
        ...checkMetricName(field, object!.metric),
        ...(object!.target?.value === undefined && object!.target?.averageValue === undefined
          ? [required(`${target}.averageValue`, 'must set either a target value or averageValue')]
          : []),
      ]
    case 'Pods':
      return [
        ...checkMetricName(field, pods!.metric),
        ...(pods!.target?.averageValue === undefined
          ? [required(`${target}.averageValue`, 'must specify a positive target averageValue')]
          : []),
      ]
    case 'External':
      return [...checkMetricName(field, external!.metric), ...checkExternalTarget(target, external!.target)]
    case 'ContainerResource':
      return [
        ...(containerResource!.container ? [] : [required(`${field}.container`, 'must specify a container')]),
        ...checkResource(field, containerResource!),
      ]
    default:
      return checkResource(field, resource!)
  }
}

function checkReference(field: string, reference: { kind?: string; name?: string } | undefined): FieldError[] {
  return (['kind', 'name'] as const).flatMap(name => (reference?.[name] ? [] : [required(`${field}.${name}`)]))
}

function checkMetricName(field: string, metric: { name?: string } | undefined): FieldError[] {
  const at = `${field}.metric.name`
  return metric?.name
    ? texts(at, metric.name, isPathSegmentName(metric.name))
    : [required(at, 'must specify a metric name')]
}

function checkExternalTarget(field: string, { value, averageValue }: Partial<MetricTarget> = {}): FieldError[] {
  if (value === undefined && averageValue === undefined)
    return [required(`${field}.averageValue`, 'must set either a target value for metric or a per-pod target')]
  return value !== undefined && averageValue !== undefined
    ? [forbidden(`${field}.value`, 'may not set both a target value for metric and a per-pod target')]
    : []
}

function checkResource(field: string, { name, target }: { name?: string; target?: MetricTarget }): FieldError[] {
  const errors = name ? [] : [required(`${field}.name`, 'must specify a resource name')]
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization === undefined && averageValue === undefined)
    errors.push(
      required(`${field}.target.averageUtilization`, 'must set either a target raw value or a target utilization'),
    )
  if (averageUtilization !== undefined && averageValue !== undefined)
    errors.push(
      forbidden(`${field}.target.averageValue`, 'may not set both a target raw value and a target utilization'),
    )
  return errors
}

function checkTarget(field: string, target: MetricTarget | undefined): FieldError[] {
  const errors = target?.type ? [] : [required(`${field}.type`, 'must specify a metric target type')]
  if (!['Utilization', 'Value', 'AverageValue'].includes(target?.type ?? ''))
    errors.push(invalid(`${field}.type`, target?.type ?? '', 'must be either Utilization, Value, or AverageValue'))
  if (!target) return errors
  const { averageUtilization: percent } = target
  if (percent !== undefined && percent < 1)
    errors.push(invalid(`${field}.averageUtilization`, percent, 'must be greater than 0'))
  for (const name of ['value', 'averageValue'] as const) {
    const quantity = target[name]
    if (quantity !== undefined && parseQuantity(quantity).nano <= 0n)
      errors.push(invalid(`${field}.${name}`, quantity, 'must be positive'))
  }
  return errors
}

function checkRules(field: string, { stabilizationWindowSeconds, policies = [], selectPolicy }: HPAScalingRules) {
  const errors: FieldError[] = []
  const window = stabilizationWindowSeconds
  if (window !== undefined && window < 0)
    errors.push(invalid(`${field}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'))
  if (window !== undefined && window > 3600)
    errors.push(invalid(`${field}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600'))
  errors.push(...checkOneOf(`${field}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']))
  if (!policies.length) errors.push(required(`${field}.policies`, 'must specify at least one Policy'))
  for (const [i, policy] of policies.entries()) {
    const at = `${field}.policies[${i}]`
    errors.push(...checkOneOf(`${at}.type`, policy.type, ['Percent', 'Pods']))
    if (!(policy.value > 0)) errors.push(invalid(`${at}.value`, policy.value, 'must be greater than zero'))
    errors.push(...checkRange(`${at}.periodSeconds`, policy.periodSeconds, 1, 1800))
  }
  return errors
}
