import { sameMeaning } from '../../../base/equality.ts'
import { duplicate, type FieldError, forbidden, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, checkLabelName, checkOneOf } from '../checks.ts'
import { nameColumn, text } from '../columns.ts'
import { checkParameters, checkProvisioner } from './storage-checks.ts'

export type StorageClass = storage.StorageClass

const fixed = ['parameters', 'provisioner', 'reclaimPolicy'] as const

function validateClass(next: storage.StorageClass, previous?: storage.StorageClass): FieldError[] {
  const errors = [
    ...checkProvisioner('provisioner', next.provisioner),
    ...checkParameters('parameters', next.parameters),
    ...checkReclaim(next.reclaimPolicy),
    ...checkBinding(next.volumeBindingMode),
    ...checkTopologies(next.allowedTopologies ?? []),
  ]
  if (!previous) return errors
  for (const field of fixed)
    if (!sameMeaning(next[field], previous[field])) errors.push(forbidden(field, `updates to ${field} are forbidden.`))
  return [...errors, ...checkImmutable('volumeBindingMode', next.volumeBindingMode, previous.volumeBindingMode)]
}

function checkReclaim(policy: string | undefined): FieldError[] {
  return policy ? checkOneOf('reclaimPolicy', policy, ['Delete', 'Retain']) : []
}

function checkBinding(mode: string | undefined): FieldError[] {
  return mode === undefined
    ? [required('volumeBindingMode')]
    : checkOneOf('volumeBindingMode', mode, ['Immediate', 'WaitForFirstConsumer'])
}

/** Terms that say where volumes may be, each once. */
function checkTopologies(terms: core.TopologySelectorTerm[]): FieldError[] {
  const errors: FieldError[] = []
  // A term that says nothing is like the list before its first one.
  const known = new Set(terms.length ? ['{}'] : [])
  for (const [i, term] of terms.entries()) {
    const wanted: Record<string, string[]> = {}
    for (const [j, { key = '', values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
      const at = `allowedTopologies[${i}].matchLabelExpressions[${j}]`
      const unique = new Set<string>()
      if (!values.length) errors.push(required(`${at}.values`))
      for (const [k, value] of values.entries()) {
        if (unique.has(value)) errors.push(duplicate(`${at}.values[${k}]`, value))
        unique.add(value)
      }
      errors.push(...checkLabelName(`${at}.key`, key))
      if (wanted[key]) errors.push(duplicate(`${at}.key`, key))
      wanted[key] = [...unique].sort()
    }
    const text = JSON.stringify(Object.fromEntries(Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1))))
    if (known.has(text)) errors.push(duplicate(`allowedTopologies[${i}].matchLabelExpressions`, ''))
    known.add(text)
  }
  return errors
}

/** True for the class of claims that name none. */
export function isDefault(storageClass: storage.StorageClass): boolean {
  const annotations = storageClass.metadata.annotations
  return (
    annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ||
    annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true'
  )
}

export const StorageClass = defineKind<storage.StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  scope: 'Cluster',
  schema: 'storage/v1.StorageClass',
  deletionAnswersObject: true,
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [
    nameColumn(c => (isDefault(c) ? `${c.metadata.name} (default)` : c.metadata.name)),
    text('Provisioner', c => c.provisioner),
    text('ReclaimPolicy', c => c.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', c => c.volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', c => c.allowVolumeExpansion ?? false),
  ],
  ownName: true,
  defaults: c => {
    c.reclaimPolicy ??= 'Delete'
    c.volumeBindingMode ??= 'Immediate'
  },
  validate: validateClass,
})
