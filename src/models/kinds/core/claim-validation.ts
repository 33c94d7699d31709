import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { compareQuantities, parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, GoText, invalid, notSupported, required } from '../../field-error.ts'
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedLocalObjectReference,
  TypedObjectReference,
} from '../../types/core-v1.ts'
import { checkImmutable, checkOneOf, checkOptionalName, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { fractionWarnings } from './pod-warnings.ts'

const allModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const volumeModes = ['Block', 'Filesystem']

/** Modes of access: known ones, and the exclusive one alone. */
export function checkAccessModes(field: string, modes: readonly string[] = []): FieldError[] {
  const errors = modes.flatMap(mode => checkOneOf(field, mode, allModes))
  if (modes.includes('ReadWriteOncePod') && modes.some(m => m !== 'ReadWriteOncePod' && allModes.includes(m)))
    errors.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'))
  return errors
}

export function checkClaimSpec(field: string, spec: PersistentVolumeClaimSpec | undefined): FieldError[] {
  const errors = [
    ...(spec?.accessModes?.length ? [] : [required(`${field}.accessModes`, 'at least 1 access mode is required')]),
    ...checkSelector(`${field}.selector`, spec?.selector),
    ...checkAccessModes(`${field}.accessModes`, spec?.accessModes),
  ]
  const storage = spec?.resources?.requests?.['storage']
  const at = `${field}.resources[storage]`
  if (storage === undefined) errors.push(required(at))
  else if (parseQuantity(storage).nano <= 0n) errors.push(invalid(at, storage, 'must be greater than zero'))
  errors.push(...checkOptionalName(`${field}.storageClassName`, spec?.storageClassName, isDns1123Subdomain))
  if (spec?.volumeMode !== undefined) errors.push(...checkOneOf(`${field}.volumeMode`, spec.volumeMode, volumeModes))
  errors.push(...(spec ? checkDataSources(field, spec) : []))
  errors.push(
    ...checkOptionalName(`${field}.volumeAttributesClassName`, spec?.volumeAttributesClassName, isDns1123Subdomain),
  )
  return errors
}

/** What the volume is filled with: both fields say the same, unless only the newer one can say it. */
function checkDataSources(field: string, { dataSource, dataSourceRef }: PersistentVolumeClaimSpec): FieldError[] {
  const errors: FieldError[] = []
  // A group that is there at all is not looked at, as long as one of them is not of the core group.
  const anyGroup = (dataSource?.apiGroup ?? dataSourceRef?.apiGroup ?? null) !== null
  if (dataSource) errors.push(...checkDataSource(`${field}.dataSource`, dataSource, anyGroup))
  if (dataSourceRef) errors.push(...checkDataSource(`${field}.dataSourceRef`, dataSourceRef, anyGroup))
  const space = dataSourceRef?.namespace
  if (space) errors.push(...texts(`${field}.dataSourceRef.namespace`, space, isDns1123Label(space)))
  if (!dataSource || !dataSourceRef) return errors
  // Kubernetes shows the path where the value should be.
  const shown = new GoText(`${field}.dataSource`)
  if (space) errors.push(invalid(field, shown, 'may not be specified when dataSourceRef.namespace is specified'))
  else if (!sameSource(dataSource, dataSourceRef)) errors.push(invalid(field, shown, 'must match dataSourceRef'))
  return errors
}

const sameSource = (a: TypedLocalObjectReference, b: TypedObjectReference) =>
  (a.apiGroup ?? null) === (b.apiGroup ?? null) && a.kind === b.kind && a.name === b.name

function checkDataSource(field: string, source: TypedLocalObjectReference, anyGroup: boolean): FieldError[] {
  const { name, kind = '', apiGroup } = source
  const errors = [...(name ? [] : [required(`${field}.name`)]), ...(kind ? [] : [required(`${field}.kind`)])]
  if (!apiGroup && kind !== 'PersistentVolumeClaim')
    errors.push(invalid(field, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  if (apiGroup && !anyGroup) errors.push(...texts(`${field}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup)))
  return errors
}

const immutableSpec =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/** A claim keeps its spec; a bound one may ask for more room. */
export function validateClaim(next: PersistentVolumeClaim, previous?: PersistentVolumeClaim): FieldError[] {
  const found = checkClaimSpec('spec', next.spec)
  if (!previous) return found
  // An update is looked at as a new object too: what is wrong is found twice, and told once.
  const errors = [...found, ...found]
  const old = previous.spec
  if (checkImmutable('spec', comparableSpec(next, old), { ...old, ...setOnce(next.spec, old) }).length)
    errors.push(forbidden('spec', immutableSpec))
  const [wanted, had] = [next.spec.resources?.requests?.['storage'], old.resources?.requests?.['storage']]
  if (wanted && had && compareQuantities(wanted, had) < 0) {
    const given = previous.status?.capacity?.['storage'] ?? '0'
    if (compareQuantities(wanted, given) <= 0)
      errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  }
  errors.push(...checkImmutable('volumeMode', next.spec.volumeMode, old.volumeMode))
  return [...errors, ...checkStatus(next.status)]
}

/** What may come later, if it was not there at first. */
const setOnce = (next: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec) => ({
  volumeName: old.volumeName || next.volumeName,
  storageClassName: old.storageClassName ?? next.storageClassName,
})

/** The new spec, but for what may change: of a bound claim the room it asks for, and its class of attributes. */
function comparableSpec({ spec, status }: PersistentVolumeClaim, old: PersistentVolumeClaimSpec) {
  const once = { ...spec, storageClassName: spec.storageClassName ?? old.storageClassName }
  if (status?.phase !== 'Bound') return once
  const { resources, volumeAttributesClassName } = spec
  const requests = resources?.requests && { ...resources.requests, ...pick(old.resources?.requests, 'storage') }
  return {
    ...once,
    resources: { ...resources, ...(requests ? { requests } : {}) },
    ...(volumeAttributesClassName === undefined ? {} : pick(old, 'volumeAttributesClassName')),
  }
}

const pick = <T extends object, K extends keyof T>(object: T | undefined, key: K): Partial<T> =>
  object === undefined ? {} : ({ [key]: object[key] } as unknown as Partial<T>)

/** Room that is being made is of storage, or of a resource that is not Kubernetes' own. */
function checkStatus(status: PersistentVolumeClaim['status']): FieldError[] {
  const keys = (list: object | undefined, field: string) =>
    Object.keys(list ?? {}).flatMap(name => {
      const wrong = texts(field, name, isQualifiedName(name))
      if (wrong.length || isForeign(name) || name === 'storage') return wrong
      return [notSupported(field, name, ['storage'])]
    })
  return [
    // Kubernetes leaves the ending off.
    ...keys(status?.allocatedResourceStatuses, 'status.allocatedResourceStatus'),
    ...keys(status?.allocatedResources, 'status.allocatedResources'),
  ]
}

const isForeign = (name: string) => name.includes('/') && !name.includes('kubernetes.io/')

/** @param field of the claim's spec */
export function claimWarnings(field: string, spec: PersistentVolumeClaimSpec | undefined): string[] {
  return (['requests', 'limits'] as const).flatMap(which =>
    fractionWarnings(`${field}.resources.${which}[storage]`, spec?.resources?.[which]?.['storage']),
  )
}
