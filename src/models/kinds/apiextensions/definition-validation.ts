import { isDns1035Label, isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type * as apiextensions from '../../types/apiextensions-v1.ts'
import { checkClient } from '../admissionregistration/webhook-validation.ts'
import { checkImmutable } from '../checks.ts'
import { hasValidCaBundle } from './ca-bundle.ts'
import { checkVersion } from './version-validation.ts'

type CustomResourceDefinition = apiextensions.CustomResourceDefinition
type Spec = apiextensions.CustomResourceDefinitionSpec

/** What is wrong with a definition, in Kubernetes' words. */
export function validateDefinition(next: CustomResourceDefinition, previous?: CustomResourceDefinition): FieldError[] {
  const { spec, status } = next
  const name = `${spec.names.plural ?? ''}.${spec.group ?? ''}`
  const named = previous || next.metadata.name === name
  return [
    ...(named ? [] : [invalid('metadata.name', next.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...checkSpec(spec, previous),
    ...(previous ? checkChanges(spec, previous) : []),
    ...checkNames(status?.acceptedNames, 'status.acceptedNames'),
    ...checkStoredVersions(status?.storedVersions ?? [], spec),
    ...checkApproval(next, previous),
    ...(spec.preserveUnknownFields && !previous?.spec.preserveUnknownFields
      ? [invalid('spec.preserveUnknownFields', true, preserveText)]
      : []),
  ]
}

const preserveText =
  'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'

export const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  status?.conditions?.some(c => c.type === 'Established' && c.status === 'True') ?? false

/** What objects are stored under may not change. */
function checkChanges(spec: Spec, previous: CustomResourceDefinition): FieldError[] {
  const before = previous.spec
  return [
    ...(isEstablished(previous)
      ? [
          ...checkImmutable('spec.scope', spec.scope, before.scope),
          ...checkImmutable('spec.names.kind', spec.names.kind, before.names.kind),
        ]
      : []),
    ...checkImmutable('spec.group', spec.group, before.group),
    ...checkImmutable('spec.names.plural', spec.names.plural, before.names.plural),
  ]
}

function checkSpec(spec: Spec, previous: CustomResourceDefinition | undefined): FieldError[] {
  const versions = spec.versions ?? []
  const before = new Map(previous?.spec.versions?.map(v => [v.name, v]))
  const storage = versions.filter(v => v.storage)
  return [
    ...checkGroup(spec.group),
    ...(spec.scope ? [] : [required('spec.scope')]),
    ...versions.flatMap((v, i) => checkVersion(v, `spec.versions[${i}]`, before.get(v.name))),
    ...(new Set(versions.map(v => v.name)).size === versions.length
      ? []
      : [invalid('spec.versions', versionNames(spec), 'must contain unique version names')]),
    ...(storage.length === 1
      ? []
      : [invalid('spec.versions', versionNames(spec), 'must have exactly one version marked as storage version')]),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap(field =>
      spec.names[field] ? [] : [required(`spec.names.${field}`)],
    ),
    ...checkNames(spec.names, 'spec.names'),
    ...checkConversion(spec.conversion),
    ...checkCaBundle(spec, previous),
  ]
}

/** Whole versions would fill the message. */
const versionNames = (spec: Spec) =>
  (spec.versions ?? []).map(({ name, served, storage }) => ({ name, served, storage }))

function checkGroup(group: string | undefined): FieldError[] {
  if (!group) return [required('spec.group')]
  const wrong = isDns1123Subdomain(group)
  if (wrong.length) return [invalid('spec.group', group, wrong.join(','))]
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')]
}

function checkNames(names: Partial<apiextensions.CustomResourceDefinitionNames> | undefined, at: string): FieldError[] {
  if (!names) return []
  const label = (field: string, value: string | undefined, kind = false) => {
    const wrong = value ? isDns1035Label(kind ? value.toLowerCase() : value) : []
    const text = `${kind ? 'may have mixed case, but should otherwise match: ' : ''}${wrong.join(',')}`
    return wrong.length ? [invalid(`${at}.${field}`, value, text)] : []
  }
  return [
    ...label('plural', names.plural),
    ...label('singular', names.singular),
    ...label('kind', names.kind, true),
    ...label('listKind', names.listKind, true),
    ...(names.shortNames ?? []).flatMap((name, i) => label(`shortNames[${i}]`, name)),
    ...(names.kind && names.kind === names.listKind
      ? [invalid(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, i) => label(`categories[${i}]`, name)),
  ]
}

const reviewVersions = ['v1', 'v1beta1']

function checkConversion(conversion: apiextensions.CustomResourceConversion | undefined): FieldError[] {
  if (!conversion) return []
  const { strategy, webhook } = conversion
  const at = 'spec.conversion'
  if (!strategy) return [required(`${at}.strategy`)]
  if (strategy !== 'None' && strategy !== 'Webhook')
    return [notSupported(`${at}.strategy`, strategy, ['None', 'Webhook'])]
  if (strategy === 'None')
    return [
      ...(webhook?.clientConfig
        ? [forbidden(`${at}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]
        : []),
      ...(webhook?.conversionReviewVersions?.length
        ? [forbidden(`${at}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook')]
        : []),
    ]
  return [
    ...(webhook?.clientConfig
      ? checkClient(`${at}.webhookClientConfig`, webhook.clientConfig)
      : [required(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook')]),
    ...checkReviewVersions(webhook?.conversionReviewVersions ?? [], `${at}.conversionReviewVersions`),
  ]
}

/** Until a definition is established, and where it was so before, a wrong bundle only keeps it from being established. */
function checkCaBundle(spec: Spec, previous: CustomResourceDefinition | undefined): FieldError[] {
  if (!previous || !isEstablished(previous) || !hasValidCaBundle(previous) || hasValidCaBundle({ spec })) return []
  const { caBundle } = spec.conversion!.webhook!.clientConfig!
  const why = 'unable to load root certificates: data does not contain any valid RSA or ECDSA certificates'
  return [invalid('spec.conversion.webhookClientConfig.caBundle', caBundle, why)]
}

function checkReviewVersions(versions: string[], at: string): FieldError[] {
  if (!versions.length) return [required(at)]
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${at}[${i}]`, version, 'duplicate version')]
      : isDns1035Label(version).map(text => invalid(`${at}[${i}]`, version, text)),
  )
  if (!versions.some(v => reviewVersions.includes(v)))
    errors.push(invalid(at, versions, `must include at least one of ${reviewVersions.join(', ')}`))
  return errors
}

function checkStoredVersions(stored: string[], spec: Spec): FieldError[] {
  const at = 'status.storedVersions'
  if (!stored.length) return [invalid(at, stored, 'must have at least one stored version')]
  const names = (spec.versions ?? []).map(v => v.name)
  return [
    ...(spec.versions ?? [])
      .filter(v => v.storage && !stored.includes(v.name))
      .map(v => invalid(at, stored, `must have the storage version ${v.name}`)),
    ...stored.flatMap((v, i) => {
      const why = `missing from spec.versions; ${v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${v} and removes ${v} from status.storedVersions`
      return names.includes(v) ? [] : [invalid(`${at}[${i}]`, v, why)]
    }),
  ]
}

const approvalAnnotation = 'api-approved.kubernetes.io'
const approvalHelp = 'see https://github.com/kubernetes/enhancements/pull/1111'

export type Approval = 'approved' | 'bypassed' | 'missing' | 'invalid'

/** Groups of Kubernetes' own community ask for a sign that their API was reviewed. */
export function approvalOf(crd: CustomResourceDefinition): { state: Approval; reason: string } | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(crd.spec.group ?? '')) return undefined
  const said = crd.metadata.annotations?.[approvalAnnotation]
  if (!said)
    return {
      state: 'missing',
      reason: `protected groups must have approval annotation "${approvalAnnotation}", ${approvalHelp}`,
    }
  if (said.startsWith('unapproved')) return { state: 'bypassed', reason: `not approved: ${JSON.stringify(said)}` }
  if (URL.canParse(said) && new URL(said).host) return { state: 'approved', reason: `approved in ${said}` }
  return {
    state: 'invalid',
    reason: `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", ${approvalHelp}`,
  }
}

function checkApproval(next: CustomResourceDefinition, previous: CustomResourceDefinition | undefined): FieldError[] {
  const now = approvalOf(next)
  if (!now || now.state === 'approved' || now.state === 'bypassed') return []
  if (previous && approvalOf(previous)?.state === now.state) return []
  const at = `metadata.annotations[${approvalAnnotation}]`
  if (now.state === 'missing') return [required(at, now.reason)]
  return [invalid(at, next.metadata.annotations?.[approvalAnnotation], now.reason)]
}
