import { isDns1035Label, isDns1123Subdomain, isPathSegmentName, isPortNumber } from '../../../base/names.ts'
import { type FieldError, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apiregistration from '../../types/apiregistration-v1.ts'
import { checkOneOf, texts } from '../checks.ts'
import { age, text } from '../columns.ts'

export type APIService = apiregistration.APIService
type Condition = apiregistration.APIServiceCondition

/** What the server says of a version that it serves itself. */
export const localCondition: Omit<Condition, 'lastTransitionTime'> = {
  ...{ type: 'Available', status: 'True', reason: 'Local' },
  message: 'Local APIServices are always available',
}

export const availableCondition = ({ status }: APIService): Condition | undefined =>
  status?.conditions?.find(c => c.type === 'Available')

function availableText(service: APIService): string {
  const { status = 'Unknown', reason = '' } = availableCondition(service) ?? {}
  return status === 'True' || !reason ? status : `${status} (${reason})`
}

function serviceText({ spec }: APIService): string {
  return spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'
}

function validateService({ metadata, spec }: APIService): FieldError[] {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify } = spec ?? {}
  const errors: FieldError[] = []
  const name = `${version}.${group}`
  if (metadata.name !== name)
    errors.push(
      invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`),
    )
  if (group === '' && version !== 'v1')
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  if (group !== '') errors.push(...texts('spec.group', group, isDns1123Subdomain(group)))
  errors.push(...texts('spec.version', version, isDns1035Label(version)))
  for (const [field, most] of [
    ['groupPriorityMinimum', 20_000],
    ['versionPriority', 1_000],
  ] as const) {
    const value = spec?.[field] ?? 0
    if (value <= 0 || value > most)
      errors.push(invalid(`spec.${field}`, value, `must be positive and less than ${most}`))
  }
  if (service) errors.push(...validateReference(service))
  else if (caBundle)
    errors.push(invalid('spec.caBundle', `${bytesOf(caBundle)} bytes`, 'local APIServices may not have a caBundle'))
  if (insecureSkipTLSVerify && (!service || caBundle))
    errors.push(
      invalid(
        'spec.insecureSkipTLSVerify',
        true,
        service ? 'may not be true if caBundle is present' : 'local APIServices may not have insecureSkipTLSVerify',
      ),
    )
  return errors
}

/** Of Base64. */
const bytesOf = (text: string) => Math.floor((text.replace(/=+$/, '').length * 3) / 4)

function validateReference({ namespace, name, port }: apiregistration.ServiceReference): FieldError[] {
  return [
    ...(namespace ? [] : [required('spec.service.namespace')]),
    ...(name ? [] : [required('spec.service.name')]),
    ...texts('spec.service.port', port ?? 0, isPortNumber(port ?? 0)),
  ]
}

/** One version of an API group: served here, or by another server at a Service. */
export const APIService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'apiregistration/v1.APIService',
  subresources: ['status'],
  statusMarks: [],
  noGeneration: true,
  columns: [text('Service', serviceText), text('Available', availableText), age],
  ownAge: true,
  validName: isPathSegmentName,
  defaults: ({ spec }) => {
    if (spec?.service) spec.service.port ??= 443
  },
  prepareCreate: service => {
    if (service.spec?.service) return
    const { creationTimestamp } = service.metadata
    service.status = {
      conditions: [{ ...localCondition, ...(creationTimestamp ? { lastTransitionTime: creationTimestamp } : {}) }],
    }
  },
  validate: validateService,
  validatePart: (_part, { status }) =>
    (status?.conditions ?? []).flatMap((c, i) =>
      checkOneOf(`status.conditions[${i}].status`, c.status, ['True', 'False', 'Unknown']),
    ),
})
