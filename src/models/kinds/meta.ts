import { isDns1123Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../../base/names.ts'
import { type FieldError, forbidden, invalid, required, tooLong, tooMany } from '../field-error.ts'
import { goTime } from '../go-text.ts'
import type { Kind } from '../kind.ts'
import type { KubeObject } from '../object.ts'
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../types/meta-v1.ts'
import { checkImmutable, checkLabels, checkNonNegative, checkParts, type PartChecks, texts } from './checks.ts'
import { checkManagerName } from './manager-name.ts'

const maxAnnotationBytes = 256 * 1024

/** What is wrong with the metadata of an object of this kind, on create or (with `previous`) on update. */
export function validateMeta(kind: Kind<any>, { metadata }: KubeObject, previous?: KubeObject): FieldError[] {
  const finalizers = metadata.finalizers ?? []
  if (!previous)
    return [
      ...checkNames(kind, metadata),
      ...checkNonNegative('metadata.generation', metadata.generation),
      ...validateLabelsAndSuch(metadata),
      ...unknownFinalizers(kind, finalizers),
      ...checkParts('metadata', metadata, owned, undefined),
    ]
  // What a new object of any kind is asked, and a changed one; and each kind asks the latter again.
  const errors = [
    ...checkChanges(metadata, previous.metadata),
    ...checkParts('metadata', metadata, changeable, undefined),
    ...checkParts('metadata', metadata, owned, undefined),
  ]
  return [
    ...validateLabelsAndSuch(metadata),
    ...checkParts('metadata', metadata, owned, undefined),
    ...errors,
    ...errors,
    ...unknownFinalizers(kind, finalizers),
    ...(kind.checksMetadataAgain ? validateMeta(kind, { metadata } as KubeObject) : []),
  ]
}

/** Labels, annotations, owners and finalizers: what templates have too. */
export function validateLabelsAndSuch(metadata: Partial<ObjectMeta>, at = 'metadata'): FieldError[] {
  return checkParts(at, metadata, labelsAndSuch, undefined)
}

const changeable: PartChecks<Partial<ObjectMeta>> = {
  labels: checkLabels,
  annotations: checkAnnotations,
  ownerReferences: checkOwners,
}

const owned: PartChecks<Partial<ObjectMeta>> = { managedFields: checkManagedFields }

const maxSubresourceBytes = 256

/** Of the owners only those come this far whose form is right. */
function checkManagedFields(field: string, entries: ManagedFieldsEntry[]): FieldError[] {
  return entries.flatMap(({ manager = '', subresource = '' }, i) => [
    ...checkManagerName(`${field}[${i}].manager`, manager),
    ...(subresource.length > maxSubresourceBytes ? [tooLong(`${field}[${i}].subresource`, maxSubresourceBytes)] : []),
  ])
}

const labelsAndSuch: PartChecks<Partial<ObjectMeta>> = { ...changeable, finalizers: checkFinalizers }

/** Beyond it only mischief: each one is checked, owned and compared with all others. */
const maxFinalizers = 1_000

function checkFinalizers(at: string, finalizers: readonly string[]): FieldError[] {
  if (finalizers.length > maxFinalizers) return [tooMany(at, finalizers.length, maxFinalizers)]
  const errors = finalizers.flatMap(f => texts(at, f, isQualifiedName(f)))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalidText(at, goTexts(finalizers), 'finalizer orphan and foregroundDeletion cannot be both set'))
  return errors
}

const ownFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

/** These groups came with servers of their own, and ask less, as do custom kinds. */
const easyGroups = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io'])

/** Of a kind of our own: others' finalizers say whose they are. */
function unknownFinalizers(kind: Kind<any>, finalizers: readonly string[]): FieldError[] {
  if (kind.custom || easyGroups.has(kind.group)) return []
  const unknown = 'name is neither a standard finalizer name nor is it fully qualified'
  return finalizers.flatMap((f, i) => {
    const at = `metadata.finalizers[${i}]`
    const known = f.includes('/') || ownFinalizers.has(f)
    return known ? [] : [invalid(at, f, unknown)]
  })
}

/** `[]string{"a", "b"}` */
const goTexts = (all: readonly string[]): string => `[]string{${all.map(f => JSON.stringify(f)).join(', ')}}`

/** An invalid value that is shown as it stands. */
function invalidText(field: string, text: string, detail: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${text}: ${detail}` }
}

function checkNames(kind: Kind<any>, { name, generateName, namespace }: ObjectMeta): FieldError[] {
  const rule = kind.validName ?? isDns1123Subdomain
  const errors: FieldError[] = []
  // A generated name goes on after its dash.
  if (generateName) errors.push(...texts('metadata.generateName', generateName, rule(generateName.replace(/-$/, 'a'))))
  if (!name) errors.push(required('metadata.name', 'name or generateName is required'))
  else {
    const wrong = rule(name)
    errors.push(...texts('metadata.name', name, wrong.length ? wrong : isPathSegmentName(name)))
  }
  if (kind.scope === 'Cluster') {
    if (namespace) errors.push(forbidden('metadata.namespace', 'not allowed on this type'))
  } else if (!namespace) errors.push(required('metadata.namespace'))
  else errors.push(...texts('metadata.namespace', namespace, isDns1123Label(namespace)))
  return errors
}

function checkAnnotations(field: string, annotations: Record<string, string>): FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    errors.push(...texts(field, key, isQualifiedName(key.toLowerCase())))
    bytes += key.length + value.length
  }
  if (bytes > maxAnnotationBytes) errors.push(tooLong(field, maxAnnotationBytes))
  return errors
}

function checkOwners(field: string, owners: OwnerReference[]): FieldError[] {
  const errors: FieldError[] = []
  let controller: OwnerReference | undefined
  // Kubernetes does not say which of the owners it means.
  for (const owner of owners) {
    if (!owner.apiVersion) errors.push(invalid(`${field}.apiVersion`, '', 'version must not be empty'))
    if (!owner.kind) errors.push(invalid(`${field}.kind`, '', 'kind must not be empty'))
    if (!owner.name) errors.push(invalid(`${field}.name`, '', 'name must not be empty'))
    if (!owner.uid) errors.push(invalid(`${field}.uid`, '', 'uid must not be empty'))
    if (owner.kind === 'Event' && /^(v1$|events\.k8s\.io\/v1)/.test(owner.apiVersion)) {
      const named = owner.apiVersion === 'v1' ? '/v1' : owner.apiVersion
      errors.push(invalid(field, owner, `${named}, Kind=Event is disallowed from being an owner`))
    }
    if (!owner.controller) continue
    if (!controller) controller = owner
    else {
      const both = [controller, owner].map(({ kind, name }) => `${kind}/${name}`).join(' and ')
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${both}`
      errors.push(invalid(field, owners, text))
    }
  }
  return errors
}

const fixed = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

function checkChanges(next: ObjectMeta, previous: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  const added = (next.finalizers ?? []).filter(f => !previous.finalizers?.includes(f))
  if (previous.deletionTimestamp && added.length) {
    const found = goTexts([...new Set(added)].sort())
    const text = `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`
    errors.push(forbidden('metadata.finalizers', text))
  }
  if ((next.generation ?? 0) < (previous.generation ?? 0))
    errors.push(invalid('metadata.generation', next.generation ?? 0, 'must not be decremented'))
  for (const field of fixed) {
    const value = next[field]
    // Only who deletes an object says when it ends.
    const isEnd = field === 'deletionTimestamp' && value !== undefined && previous[field] === undefined
    const shown = isEnd ? goTime(String(value)) : value
    errors.push(...checkImmutable(`metadata.${field}`, shown, previous[field]))
  }
  return errors
}
