import { isDns1123Subdomain } from '../../../base/names.ts'
import { compareQuantities, parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../types/core-v1.ts'
import { checkImmutable, checkOptionalName } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { fractionWarnings } from './pod-warnings.ts'

/** Modes of access: at least one, and the exclusive one alone. Which there are is the schema's to say. */
export function checkAccessModes(field: string, modes: readonly string[] | undefined): FieldError[] {
  if (!modes?.length) return [required(field, 'at least 1 access mode is required')]
  const errors: FieldError[] = []
  if (modes.includes('ReadWriteOncePod') && modes.length > 1)
    errors.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'))
  return errors
}

export function checkClaimSpec(field: string, spec: PersistentVolumeClaimSpec | undefined): FieldError[] {
  const errors = [
    ...checkAccessModes(`${field}.accessModes`, spec?.accessModes),
    ...checkSelector(`${field}.selector`, spec?.selector),
    ...checkOptionalName(`${field}.storageClassName`, spec?.storageClassName, isDns1123Subdomain),
  ]
  const storage = spec?.resources?.requests?.['storage']
  const at = `${field}.resources[storage]`
  if (storage === undefined) errors.push(required(at))
  else if (parseQuantity(storage).nano <= 0n) errors.push(invalid(at, storage, 'must be greater than zero'))
  const source = spec?.dataSource
  if (source) {
    if (!source.name) errors.push(required(`${field}.dataSource.name`))
    if (!source.kind) errors.push(required(`${field}.dataSource.kind`))
    if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim')
      errors.push(
        invalid(
          `${field}.dataSource`,
          source.kind,
          'must be PersistentVolumeClaim when referencing the default apiGroup',
        ),
      )
  }
  return errors
}

/** A claim keeps its spec; a bound one may ask for more room. */
export function validateClaim(next: PersistentVolumeClaim, previous?: PersistentVolumeClaim): FieldError[] {
  const errors = checkClaimSpec('spec', next.spec)
  if (!previous) return errors
  const old = previous.spec
  const comparable = {
    ...next.spec,
    resources: old.resources,
    volumeAttributesClassName: old.volumeAttributesClassName,
    volumeName: old.volumeName || next.spec.volumeName,
    storageClassName: old.storageClassName ?? next.spec.storageClassName,
  }
  const before = {
    ...old,
    volumeName: old.volumeName || next.spec.volumeName,
    storageClassName: old.storageClassName ?? next.spec.storageClassName,
  }
  if (checkImmutable('spec', comparable, before).length)
    errors.push(
      forbidden(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    )
  const [wanted, had] = [next.spec.resources?.requests?.['storage'], old.resources?.requests?.['storage']]
  if (wanted && had) {
    const difference = compareQuantities(wanted, had)
    const given = previous.status?.capacity?.['storage']
    if (difference < 0 && !(given !== undefined && compareQuantities(wanted, given) > 0))
      errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
    if (difference > 0 && previous.status?.phase !== 'Bound')
      errors.push(
        forbidden(
          'spec',
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      )
  }
  return errors
}

/** @param field of the claim's spec */
export function claimWarnings(field: string, spec: PersistentVolumeClaimSpec | undefined): string[] {
  return (['requests', 'limits'] as const).flatMap(which =>
    fractionWarnings(`${field}.resources.${which}[storage]`, spec?.resources?.[which]?.['storage']),
  )
}
