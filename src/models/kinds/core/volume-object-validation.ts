import { sameMeaning } from '../../../base/equality.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, forbidden, GoText, goQuote, invalid, notSupported, required } from '../../field-error.ts'
import type {
  CSIPersistentVolumeSource,
  GlusterfsPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
} from '../../types/core-v1.ts'
import { checkImmutable, checkName, checkOneOf, checkOptionalName, texts } from '../checks.ts'
import { checkAccessModes, volumeModes } from './claim-validation.ts'
import { checkNoBacksteps } from './path-checks.ts'
import { checkNodeSelector } from './scheduling-validation.ts'
import { checkCsiDriver, checkIscsi, iscsiTooLong, iscsiTooLongText, need, sharedSources } from './volume-sources.ts'

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
  const reclaim = spec.persistentVolumeReclaimPolicy
  const errors = [
    ...(spec.accessModes?.length ? [] : [required('spec.accessModes')]),
    ...checkAccessModes('spec.accessModes', spec.accessModes),
    ...checkCapacity(spec),
    ...(reclaim ? checkOneOf('spec.persistentVolumeReclaimPolicy', reclaim, reclaimPolicies) : []),
    ...checkNodeAffinity(spec),
    ...checkSource('spec', spec, next.metadata.name),
    ...checkOptionalName('spec.storageClassName', spec.storageClassName, isDns1123Subdomain),
  ]
  if (spec.volumeMode !== undefined) errors.push(...checkOneOf('spec.volumeMode', spec.volumeMode, volumeModes))
  errors.push(
    ...checkOptionalName('spec.volumeAttributesClassName', spec.volumeAttributesClassName, isDns1123Subdomain),
  )
  if (!previous) return errors
  if (!sameMeaning(sourcesOf(spec), sourcesOf(previous.spec)))
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
  errors.push(...checkImmutable('volumeMode', spec.volumeMode, previous.spec.volumeMode))
  if (previous.spec.nodeAffinity)
    errors.push(...checkImmutable('nodeAffinity', spec.nodeAffinity, previous.spec.nodeAffinity))
  return errors
}

/** A volume that is described where it is attached, and is no object: of less to say, and always of CSI. */
export function checkInlineVolume(at: string, spec: PersistentVolumeSpec): FieldError[] {
  const { persistentVolumeReclaimPolicy: reclaim, volumeMode } = spec
  const inline = 'in the context of inline volumes'
  const never = (said: unknown, name: string) =>
    said ? [forbidden(`${at}.${name}`, `may not be specified ${inline}`)] : []
  return [
    ...never(spec.claimRef, 'claimRef'),
    ...never(Object.keys(spec.capacity ?? {}).length, 'capacity'),
    ...(spec.csi ? [] : [required(`${at}.csi`, `has to be specified ${inline}`)]),
    ...(spec.accessModes?.length ? [] : [required(`${at}.accessModes`)]),
    ...checkAccessModes(`${at}.accessModes`, spec.accessModes),
    ...(reclaim && reclaim !== 'Retain'
      ? [forbidden(`${at}.persistentVolumeReclaimPolicy`, `may only be Retain ${inline}`)]
      : []),
    ...never(spec.nodeAffinity, 'nodeAffinity'),
    ...checkSource(at, spec, ''),
    ...never(spec.storageClassName, 'storageClassName'),
    ...(volumeMode !== undefined && volumeMode !== 'Filesystem'
      ? [forbidden(`${at}.volumeMode`, `may not specify volumeMode other than Filesystem ${inline}`)]
      : []),
  ]
}

const reclaimPolicies = ['Delete', 'Recycle', 'Retain']

function checkNodeAffinity({ nodeAffinity }: PersistentVolumeSpec): FieldError[] {
  if (!nodeAffinity) return []
  const at = 'spec.nodeAffinity.required'
  return nodeAffinity.required
    ? checkNodeSelector(at, nodeAffinity.required)
    : [required(at, 'must specify required node constraints')]
}

function checkCapacity({ capacity }: PersistentVolumeSpec): FieldError[] {
  const amounts = Object.entries(capacity ?? {})
  const errors = amounts.length ? [] : [required('spec.capacity')]
  if (amounts.length !== 1 || amounts[0]![0] !== 'storage')
    errors.push(notSupported('spec.capacity', goAmounts(capacity), ['storage']))
  for (const [name, quantity] of amounts) {
    const { nano } = parseQuantity(quantity)
    const at = `spec.capacity[${name}]`
    const whole = nano / 1_000_000_000n
    if (whole < 0n) errors.push(invalid(at, Number(whole), 'must be a valid resource quantity'))
    if (nano <= 0n) errors.push(invalid(at, quantity, 'must be greater than zero'))
  }
  return errors
}

/** What Go shows of amounts that are there is how it stores them: nothing to read. */
const goAmounts = (amounts: Record<string, string> | undefined) =>
  new GoText(!amounts ? 'core.ResourceList(nil)' : `core.ResourceList{${Object.keys(amounts).map(goQuote).join(', ')}}`)

/** In the order in which Kubernetes looks for them: the first one counts. */
const kinds =
  'hostPath gcePersistentDisk awsElasticBlockStore glusterfs flocker nfs rbd quobyte cephfs iscsi cinder fc flexVolume azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk scaleIO local storageos csi'.split(
    ' ',
  ) as (keyof PersistentVolumeSpec & string)[]

/** One that messages of Kubernetes spell in another way. */
const spelt: Partial<Record<string, string>> = { cephfs: 'cephFS' }

function checkSource(at: string, spec: PersistentVolumeSpec, name: string): FieldError[] {
  const errors: FieldError[] = []
  let found = false
  for (const kind of kinds) {
    const source = spec[kind]
    if (source === undefined) continue
    // Of this one Kubernetes does not ask whether there is another before it.
    if (found && kind !== 'flexVolume')
      errors.push(forbidden(`${at}.${spelt[kind] ?? kind}`, 'may not specify more than 1 volume type'))
    else errors.push(...(ownSources[kind] ?? sharedSources[kind])!(`${at}.${kind}`, source, name))
    if (kind === 'local' && !spec.nodeAffinity?.required && !found)
      errors.push(required(`${at}.nodeAffinity`, 'Local volume requires node affinity'))
    found = true
  }
  if (!found) errors.push(required(at, 'must specify a volume type'))
  const root = spec.hostPath && isRoot(spec.hostPath.path ?? '')
  if (root && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(forbidden(`${at}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"))
  return errors
}

const isRoot = (path: string) => path.startsWith('/') && path.split('/').every(step => step === '' || step === '.')

/** Sources that say more in a PersistentVolume than in a pod: where their secrets are. */
const ownSources: Record<string, (field: string, source: any, name: string) => FieldError[]> = {
  glusterfs: (field, source) => [
    ...sharedSources['glusterfs']!(field, source),
    ...checkEndpointsNamespace(field, source),
  ],
  iscsi: (field, source, name) => [
    ...(iscsiTooLong(name, source) ? [invalid(`${field}.targetportal`, source.targetPortal, iscsiTooLongText)] : []),
    ...checkIscsi(field, source, 'must be valid format'),
    ...(source.secretRef ? need(`${field}.secretRef.name`, source.secretRef.name) : []),
  ],
  cinder: (field, source) => [...sharedSources['cinder']!(field, source), ...checkSecretNamespace(field, source)],
  storageos: (field, source) => [...sharedSources['storageos']!(field, source), ...checkSecretNamespace(field, source)],
  azureFile: (field, source) => [
    ...sharedSources['azureFile']!(field, source),
    ...(source.secretNamespace === '' ? [required(`${field}.secretNamespace`)] : []),
  ],
  local: (field, { path }) => (path ? checkNoBacksteps(`${field}.path`, path) : [required(`${field}.path`)]),
  csi: checkCsi,
}

function checkEndpointsNamespace(field: string, { endpointsNamespace: name }: GlusterfsPersistentVolumeSource) {
  const at = `${field}.endpointsNamespace`
  if (name === undefined) return []
  if (!name) return [invalid(at, name, 'if the endpointnamespace is set, it must be a valid namespace name')]
  return texts(at, name, isDns1123Label(name))
}

function checkSecretNamespace(field: string, { secretRef }: { secretRef?: SecretReference }): FieldError[] {
  return secretRef ? need(`${field}.secretRef.namespace`, secretRef.namespace) : []
}

const csiSecrets = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const

function checkCsi(field: string, source: CSIPersistentVolumeSource): FieldError[] {
  return [
    ...checkCsiDriver(`${field}.driver`, source.driver),
    ...need(`${field}.volumeHandle`, source.volumeHandle),
    ...csiSecrets.flatMap(secret => {
      const { name, namespace } = source[secret] ?? { name: 'none', namespace: 'none' }
      return [
        ...checkName(`${field}.${secret}.name`, name, isDns1123Subdomain),
        ...checkName(`${field}.${secret}.namespace`, namespace, isDns1123Label),
      ]
    }),
  ]
}
