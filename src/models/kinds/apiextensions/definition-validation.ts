import { isDns1035Label, isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, GoText, goQuote, invalid, notSupported, required } from '../../field-error.ts'
import { equal } from '../../patch/index.ts'
import type * as apiextensions from '../../types/apiextensions-v1.ts'
import { checkClient } from '../admissionregistration/webhook-client-validation.ts'
import { checkReviewVersions } from '../admissionregistration/webhook-validation.ts'
import { checkImmutable } from '../checks.ts'
import { hasValidCaBundle } from './ca-bundle.ts'
import { checkShared, checkVersion, type Shared, sharedParts } from './version-validation.ts'

type CustomResourceDefinition = apiextensions.CustomResourceDefinition
type Spec = apiextensions.CustomResourceDefinitionSpec

/** What is wrong with a definition, in Kubernetes' words. */
export function validateDefinition(next: CustomResourceDefinition, previous?: CustomResourceDefinition): FieldError[] {
  const { spec, status } = next
  const name = `${spec.names.plural ?? ''}.${spec.group ?? ''}`
  const named = previous || !next.metadata.name || next.metadata.name === name
  return [
    ...(named ? [] : [invalid('metadata.name', next.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...checkSpec(spec, previous),
    ...(previous ? checkChanges(spec, previous) : []),
    ...checkNames(status?.acceptedNames, 'status.acceptedNames'),
    // Whoever writes the status alone answers for it: it is looked at when the versions change.
    ...(previous && equal(spec, previous.spec) ? [] : checkStoredVersions(status?.storedVersions ?? [], spec)),
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
  const shared = sharedParts(versions, previous?.spec.versions)
  const known = previous !== undefined && equal(versions, previous.spec.versions)
  return [
    ...checkGroup(spec.group),
    ...(spec.scope ? [] : [required('spec.scope')]),
    ...versions.flatMap((v, i) => {
      const lacks = !v.schema?.openAPIV3Schema && !(before.has(v.name) && !before.get(v.name)!.schema?.openAPIV3Schema)
      return lacks ? [required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required')] : []
    }),
    ...versions.flatMap((v, i) => checkVersion(v, `spec.versions[${i}]`, shared, before.get(v.name))),
    ...checkVersionList(versions, shared),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap(field =>
      spec.names[field] ? [] : [required(`spec.names.${field}`)],
    ),
    ...checkNames(spec.names, 'spec.names'),
    ...(known ? [] : checkShared(versions, shared, 'spec')),
    ...checkConversion(spec),
    ...checkCaBundle(spec, previous),
  ]
}

function checkVersionList(versions: apiextensions.CustomResourceDefinitionVersion[], shared: Shared): FieldError[] {
  const at = 'spec.versions'
  const errors: FieldError[] = []
  const shown = versionsText(versions, shared)
  if (new Set(versions.map(v => v.name)).size < versions.length)
    errors.push(invalid(at, shown, 'must contain unique version names'))
  if (versions.filter(v => v.storage).length !== 1)
    errors.push(invalid(at, shown, 'must have exactly one version marked as storage version'))
  // The first version is also, in the form that is validated, the version of the definition.
  const [first] = versions
  const wrong = first?.name ? isDns1035Label(first.name) : []
  if (wrong.length) errors.push(invalid('spec.version', first!.name, wrong.join(',')))
  return errors
}

/** In Go's notation. What not all versions share is behind a pointer there, which says nothing: told as set or unset. */
function versionsText(versions: apiextensions.CustomResourceDefinitionVersion[], shared: Shared): GoText {
  const type = 'apiextensions.CustomResourceDefinitionVersion'
  const pointer = (to: string, value: unknown) => `(*${to})(${value === undefined ? 'nil' : '0xc000000000'})`
  const slice = (of: string, list: unknown[] | undefined) => `[]apiextensions.${of}${list?.length ? '{...}' : '(nil)'}`
  const texts = versions.map(v => {
    const fields = [
      `Name:${goQuote(v.name ?? '')}`,
      `Served:${v.served ?? false}`,
      `Storage:${v.storage ?? false}`,
      `Deprecated:${v.deprecated ?? false}`,
      `DeprecationWarning:${pointer('string', v.deprecationWarning)}`,
      `Schema:${pointer('apiextensions.CustomResourceValidation', shared.schema ? undefined : v.schema)}`,
      `Subresources:${pointer('apiextensions.CustomResourceSubresources', shared.subresources ? undefined : v.subresources)}`,
      `AdditionalPrinterColumns:${slice('CustomResourceColumnDefinition', shared.additionalPrinterColumns ? [] : v.additionalPrinterColumns)}`,
      `SelectableFields:${slice('SelectableField', shared.selectableFields ? [] : v.selectableFields)}`,
    ]
    return `${type}{${fields.join(', ')}}`
  })
  return new GoText(texts.length ? `[]${type}{${texts.join(', ')}}` : `[]${type}(nil)`)
}

function checkGroup(group: string | undefined): FieldError[] {
  if (!group) return [required('spec.group')]
  const wrong = isDns1123Subdomain(group)
  if (wrong.length) return [invalid('spec.group', group, wrong.join(','))]
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')]
}

function checkNames(names: Partial<apiextensions.CustomResourceDefinitionNames> | undefined, at: string): FieldError[] {
  if (!names) return []
  const label = (field: string, value: string | undefined, kind = false) => {
    const wrong = value === undefined ? [] : isDns1035Label(kind ? value.toLowerCase() : value)
    const text = `${kind ? 'may have mixed case, but should otherwise match: ' : ''}${wrong.join(',')}`
    return wrong.length ? [invalid(`${at}.${field}`, value, text)] : []
  }
  return [
    ...label('plural', names.plural || undefined),
    ...label('singular', names.singular || undefined),
    ...label('kind', names.kind || undefined, true),
    ...label('listKind', names.listKind || undefined, true),
    ...(names.shortNames ?? []).flatMap((name, i) => label(`shortNames[${i}]`, name)),
    ...(names.kind && names.kind === names.listKind
      ? [invalid(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, i) => label(`categories[${i}]`, name)),
  ]
}

function checkConversion({ conversion, preserveUnknownFields }: Spec): FieldError[] {
  if (!conversion) return []
  const { strategy, webhook } = conversion
  const at = 'spec.conversion'
  if (strategy !== 'Webhook')
    return [
      ...(strategy ? [] : [required(`${at}.strategy`)]),
      ...(strategy && strategy !== 'None' ? [notSupported(`${at}.strategy`, strategy, ['None', 'Webhook'])] : []),
      ...(webhook?.clientConfig
        ? [forbidden(`${at}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]
        : []),
      ...(webhook?.conversionReviewVersions?.length
        ? [forbidden(`${at}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook')]
        : []),
    ]
  return [
    ...(preserveUnknownFields
      ? [invalid(`${at}.strategy`, strategy, 'must be None if spec.preserveUnknownFields is true')]
      : []),
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

function checkStoredVersions(stored: string[], spec: Spec): FieldError[] {
  const at = 'status.storedVersions'
  if (!stored.length) return [invalid(at, new GoText('[]string(nil)'), 'must have at least one stored version')]
  const names = (spec.versions ?? []).map(v => v.name)
  return [
    ...(spec.versions ?? [])
      .filter(v => v.storage && !stored.includes(v.name))
      .map(v => invalid(at, stored, `must have the storage version ${v.name}`)),
    ...stored.flatMap((v, i) => (names.includes(v) ? [] : [invalid(`${at}[${i}]`, v, 'must appear in spec.versions')])),
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
