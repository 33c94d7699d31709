import { sameMeaning } from '../../../base/equality.ts'
import { isDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../types/core-v1.ts'
import { checkImmutable, checkOptionalName } from '../checks.ts'
import { checkAccessModes } from './claim-validation.ts'
import { checkNodeSelector } from './scheduling-validation.ts'

/** Everything in a volume's spec that is not its source. */
const common = new Set<string>([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
])

function sourcesOf(spec: PersistentVolumeSpec): [kind: string, source: any][] {
  return Object.entries(spec).filter(([key, source]) => !common.has(key) && source !== undefined)
}

export function validateVolume(next: PersistentVolume, previous?: PersistentVolume): FieldError[] {
  const { spec } = next
  const errors = [
    ...checkAccessModes('spec.accessModes', spec.accessModes),
    ...checkCapacity(spec),
    ...checkSource(spec),
    ...checkOptionalName('spec.storageClassName', spec.storageClassName, isDns1123Subdomain),
  ]
  const selector = spec.nodeAffinity?.required
  if (selector) errors.push(...checkNodeSelector('spec.nodeAffinity.required', selector))
  if (!previous) return errors
  if (!sameMeaning(sourcesOf(spec), sourcesOf(previous.spec)))
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
  errors.push(...checkImmutable('spec.volumeMode', spec.volumeMode, previous.spec.volumeMode))
  if (previous.spec.nodeAffinity)
    errors.push(...checkImmutable('spec.nodeAffinity', spec.nodeAffinity, previous.spec.nodeAffinity))
  return errors
}

function checkCapacity({ capacity = {} }: PersistentVolumeSpec): FieldError[] {
  const names = Object.keys(capacity)
  if (!names.length) return [required('spec.capacity')]
  if (!capacity['storage'] || names.length > 1) return [notSupported('spec.capacity', capacity, ['storage'])]
  return parseQuantity(capacity['storage']).nano > 0n
    ? []
    : [invalid('spec.capacity[storage]', capacity['storage'], 'must be greater than zero')]
}

function checkSource(spec: PersistentVolumeSpec): FieldError[] {
  const [first, ...more] = sourcesOf(spec)
  if (!first) return [required('spec', 'must specify a volume type')]
  const errors = more.map(([kind]) => forbidden(`spec.${kind}`, 'may not specify more than 1 volume type'))
  const need = (path: string, value: unknown) => (value ? [] : [required(`spec.${path}`)])
  const [kind, source] = first
  if (kind === 'hostPath') {
    errors.push(...need('hostPath.path', source.path))
    if (source.path?.split('/').includes('..'))
      errors.push(invalid('spec.hostPath.path', source.path, "must not contain '..'"))
    if (source.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
      errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  } else if (kind === 'nfs') errors.push(...need('nfs.server', source.server), ...need('nfs.path', source.path))
  else if (kind === 'csi')
    errors.push(...need('csi.driver', source.driver), ...need('csi.volumeHandle', source.volumeHandle))
  else if (kind === 'local') {
    errors.push(...need('local.path', source.path))
    if (!spec.nodeAffinity) errors.push({ ...required('metadata.annotations', 'Local volume requires node affinity') })
  }
  return errors
}
