import { isDns1123Label, isPathSegmentName } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricTarget } from '../../types/autoscaling-v2.ts'
import { checkOneOf, texts } from '../checks.ts'

const sources = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'] as const
type Source = (typeof sources)[number]
/** As Kubernetes looks for them. */
const inOrder = ['object', 'external', 'pods', 'resource', 'containerResource'] as const
type SourceField = (typeof inOrder)[number]
const fieldOf = (source: Source) => `${source.charAt(0).toLowerCase()}${source.slice(1)}` as SourceField

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
  if (minReplicas === 0 && !spec.metrics?.some(({ type }) => type === 'Object' || type === 'External'))
    errors.push(
      forbidden(
        'spec.metrics',
        'must specify at least one Object or External metric to support scaling to zero replicas',
      ),
    )
  for (const way of ['scaleUp', 'scaleDown'] as const) {
    const rules = spec.behavior?.[way]
    if (rules) errors.push(...checkRules(`spec.behavior.${way}`, rules))
  }
  return errors
}

function checkMetric(field: string, metric: MetricSpec): FieldError[] {
  const errors = metric.type ? [] : [required(`${field}.type`, 'must specify a metric source type')]
  const unsupported = checkOneOf(`${field}.type`, metric.type, sources)
  const own = unsupported.length ? undefined : fieldOf(metric.type as Source)
  const present = inOrder.filter(source => metric[source])
  errors.push(...unsupported)
  // Of several only the first is looked at.
  if (present[0]) errors.push(...checks[present[0]](`${field}.${present[0]}`, metric))
  // Kubernetes finds a type that it does not know twice.
  errors.push(...unsupported)
  if (own && !metric[own])
    errors.push(required(`${field}.${own}`, 'must populate information for the given metric source'))
  if (present.length > 1)
    for (const other of present)
      if (other !== own) errors.push(forbidden(`${field}.${other}`, 'must populate the given metric source only'))
  return errors
}

/** What each source must say. */
const checks: Record<SourceField, (field: string, metric: MetricSpec) => FieldError[]> = {
  object: (field, { object }) => [
    ...checkReference(`${field}.describedObject`, object!.describedObject),
    ...checkMetricName(field, object!.metric),
    ...checkTarget(`${field}.target`, object!.target),
    ...(object!.target?.value === undefined && object!.target?.averageValue === undefined
      ? [required(`${field}.target.averageValue`, 'must set either a target value or averageValue')]
      : []),
  ],
  external: (field, { external }) => [
    ...checkMetricName(field, external!.metric),
    ...checkTarget(`${field}.target`, external!.target),
    ...checkExternalTarget(`${field}.target`, external!.target),
  ],
  pods: (field, { pods }) => [
    ...checkMetricName(field, pods!.metric),
    ...checkTarget(`${field}.target`, pods!.target),
    ...(pods!.target?.averageValue === undefined
      ? [required(`${field}.target.averageValue`, 'must specify a positive target averageValue')]
      : []),
  ],
  resource: (field, { resource }) => checkResource(field, resource!),
  containerResource: (field, { containerResource }) =>
    checkResource(
      field,
      containerResource!,
      containerResource!.container
        ? texts(`${field}.container`, containerResource!.container, isDns1123Label(containerResource!.container))
        : [required(`${field}.container`, 'must specify a container')],
    ),
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

/** @param more what is wrong between its name and its target */
function checkResource(
  field: string,
  { name, target }: { name?: string; target?: MetricTarget },
  more: readonly FieldError[] = [],
): FieldError[] {
  const errors = name ? [] : [required(`${field}.name`, 'must specify a resource name')]
  errors.push(...more, ...checkTarget(`${field}.target`, target))
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
    const { periodSeconds } = policy
    if (!(periodSeconds > 0)) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'))
    if (periodSeconds > 1800)
      errors.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800'))
  }
  return errors
}
