import { isDns1123Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../../base/names.ts'
import { type FieldError, forbidden, invalid, required, tooLong, tooMany } from '../field-error.ts'
import type { Kind } from '../kind.ts'
import type { KubeObject } from '../object.ts'
import type { ObjectMeta, OwnerReference } from '../types/meta-v1.ts'
import { checkImmutable, checkLabels, checkNonNegative, checkParts, type PartChecks, texts } from './checks.ts'

const maxAnnotationBytes = 256 * 1024

/** What is wrong with the metadata of an object of this kind, on create or (with `previous`) on update. */
export function validateMeta(kind: Kind<any>, { metadata }: KubeObject, previous?: KubeObject): FieldError[] {
  return [
    ...(previous ? [] : checkNames(kind, metadata)),
    ...checkNonNegative('metadata.generation', metadata.generation),
    ...validateLabelsAndSuch(metadata),
    ...(previous ? checkChanges(metadata, previous.metadata) : []),
  ]
}

/** Labels, annotations, owners and finalizers: what templates have too. */
export function validateLabelsAndSuch(metadata: Partial<ObjectMeta>, at = 'metadata'): FieldError[] {
  return checkParts(at, metadata, labelsAndSuch, undefined)
}

const labelsAndSuch: PartChecks<Partial<ObjectMeta>> = {
  labels: checkLabels,
  annotations: checkAnnotations,
  ownerReferences: checkOwners,
  finalizers: checkFinalizers,
}

/** Beyond it only mischief: each one is checked, owned and compared with all others. */
const maxFinalizers = 1_000

function checkFinalizers(at: string, finalizers: readonly string[]): FieldError[] {
  if (finalizers.length > maxFinalizers) return [tooMany(at, finalizers.length, maxFinalizers)]
  return finalizers.flatMap(f => texts(at, f, isQualifiedName(f)))
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
  for (const [i, owner] of owners.entries()) {
    const at = `${field}[${i}]`
    if (!owner.apiVersion) errors.push(invalid(`${at}.apiVersion`, owner.apiVersion, 'version must not be empty'))
    if (!owner.kind) errors.push(invalid(`${at}.kind`, owner.kind, 'must not be empty'))
    if (!owner.name) errors.push(invalid(`${at}.name`, owner.name, 'must not be empty'))
    if (!owner.uid) errors.push(invalid(`${at}.uid`, owner.uid, 'must not be empty'))
    if (owner.kind === 'Event' && /^(v1|events\.k8s\.io\/)/.test(owner.apiVersion))
      errors.push(invalid(at, owner, `${owner.apiVersion}, Kind=Event is disallowed from being an owner`))
  }
  const [first, second] = owners.filter(o => o.controller)
  if (first && second) {
    const both = `${first.name} and ${second.name}`
    const text = `Only one reference can have Controller set to true. Found "true" in references for ${both}`
    errors.push(invalid(field, owners, text))
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
  const errors = fixed.flatMap(field => checkImmutable(`metadata.${field}`, next[field], previous[field]))
  if ((next.generation ?? 0) < (previous.generation ?? 0))
    errors.push(invalid('metadata.generation', next.generation ?? 0, 'must not be decremented'))
  const added = (next.finalizers ?? []).filter(f => !previous.finalizers?.includes(f))
  if (previous.deletionTimestamp && added.length) {
    const list = added.map(f => JSON.stringify(f)).join(', ')
    const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
    errors.push(forbidden('metadata.finalizers', text))
  }
  return errors
}
