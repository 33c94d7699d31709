import { isDns1123Label, isDns1123Subdomain, rangeText } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required, tooLong } from '../../field-error.ts'
import { goList } from '../../go-text.ts'
import type {
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  QuobyteVolumeSource,
  StorageOSVolumeSource,
} from '../../types/core-v1.ts'
import { checkName, checkRange, texts } from '../checks.ts'
import { checkNoBacksteps } from './path-checks.ts'

// Sources of volumes that pods and PersistentVolumes name alike: disks and file systems that others serve.

/** What must be there. */
export const need = (field: string, value: unknown): FieldError[] => (value ? [] : [required(field)])

const needAll = (field: string, source: object, names: readonly string[]): FieldError[] =>
  names.flatMap(name => {
    const value = source[name as keyof typeof source] as unknown
    return need(`${field}.${name}`, Array.isArray(value) ? value.length : value)
  })

/** Sources of which only fields that may not be missing are looked at: their drivers know the rest. */
const needed = {
  glusterfs: ['endpoints', 'path'],
  persistentVolumeClaim: ['claimName'],
  rbd: ['monitors', 'image'],
  cephfs: ['monitors'],
  azureFile: ['secretName', 'shareName'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  scaleIO: ['gateway', 'system', 'volumeName'],
} as const

type Source = any

/** What each kind of source asks for. @param field of the source, such as `spec.volumes[0].nfs` */
export const sharedSources: Record<string, (field: string, source: Source) => FieldError[]> = {
  ...Object.fromEntries(
    Object.entries(needed).map(([kind, names]) => [kind, (field, source) => needAll(field, source, names)]),
  ),
  hostPath: checkHostPath,
  gcePersistentDisk: (field, source) =>
    // Kubernetes' messages name this one by its Go name.
    checkDisk(field.replace(/gcePersistentDisk$/, 'persistentDisk'), 'pdName', source),
  awsElasticBlockStore: (field, source) => checkDisk(field, 'volumeID', source),
  nfs: (field, source) => [
    ...needAll(field, source, ['server', 'path']),
    ...(source.path?.startsWith('/') ? [] : [invalid(`${field}.path`, source.path ?? '', 'must be an absolute path')]),
  ],
  iscsi: (field, source) => checkIscsi(field, source),
  flocker: checkFlocker,
  cinder: (field, source) => [...need(`${field}.volumeID`, source.volumeID), ...checkSecretName(field, source)],
  quobyte: checkQuobyte,
  fc: checkFibreChannel,
  flexVolume: (field, source) => [...need(`${field}.driver`, source.driver), ...checkFlexOptions(field, source)],
  azureDisk: checkAzureDisk,
  storageos: checkStorageOs,
}

function checkDisk(field: string, name: string, source: Source): FieldError[] {
  const { partition = 0 } = source
  const errors = need(`${field}.${name}`, source[name])
  if (partition < 0 || partition > 255) errors.push(invalid(`${field}.partition`, partition, rangeText(1, 255)))
  return errors
}

const hostPathTypes = 'BlockDevice CharDevice Directory DirectoryOrCreate File FileOrCreate Socket'.split(' ')

function checkHostPath(field: string, { path, type }: HostPathVolumeSource): FieldError[] {
  if (!path) return [required(`${field}.path`)]
  const errors = checkNoBacksteps(`${field}.path`, path)
  if (type && !hostPathTypes.includes(type)) errors.push(notSupported(`${field}.type`, type, ['', ...hostPathTypes]))
  return errors
}

const iscsiForms: Record<string, RegExp> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
}

/** An initiator or target. @param unknown said of one that begins with none of the known prefixes */
function checkIscsiName(field: string, name: string, unknown: string): FieldError[] {
  const form = iscsiForms[name.slice(0, 3)]
  if (!form) return [invalid(field, name, unknown)]
  return form.test(name) ? [] : [invalid(field, name, 'must be valid format')]
}

/** @param unknown what is said of names that begin with no known prefix */
export function checkIscsi(
  field: string,
  source: ISCSIVolumeSource,
  unknown = 'must be valid format starting with iqn, eui, or naa',
): FieldError[] {
  const { targetPortal, iqn, lun = 0, initiatorName, secretRef } = source
  const errors = need(`${field}.targetPortal`, targetPortal)
  errors.push(...(iqn ? checkIscsiName(`${field}.iqn`, iqn, unknown) : [required(`${field}.iqn`)]))
  errors.push(...checkRange(`${field}.lun`, lun, 0, 255))
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef) errors.push(required(`${field}.secretRef`))
  if (initiatorName !== undefined) errors.push(...checkIscsiName(`${field}.initiatorname`, initiatorName, unknown))
  return errors
}

/** What the name of a volume and its portal may be together at most: the name that the initiator gets. */
export const iscsiTooLong = (name: string, { initiatorName, targetPortal = '' }: ISCSIVolumeSource): boolean =>
  initiatorName !== undefined && `${name}:${targetPortal}`.length > 64

export const iscsiTooLongText =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'

function checkFlocker(field: string, { datasetName = '', datasetUUID }: FlockerVolumeSource): FieldError[] {
  const errors: FieldError[] = []
  if (!datasetName && !datasetUUID) errors.push(required(field, 'one of datasetName and datasetUUID is required'))
  if (datasetName && datasetUUID)
    errors.push(invalid(field, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  if (datasetName.includes('/')) errors.push(invalid(`${field}.datasetName`, datasetName, "must not contain '/'"))
  return errors
}

const hostAndPort = /^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/

function checkQuobyte(field: string, { registry, tenant, volume }: QuobyteVolumeSource): FieldError[] {
  const errors: FieldError[] = []
  const pairs = 'must be a host:port pair or multiple pairs separated by commas'
  if (!registry) errors.push(required(`${field}.registry`, pairs))
  else if ((tenant?.length ?? 0) >= 65)
    errors.push(required(`${field}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  else
    for (const pair of registry.split(','))
      if (!hostAndPort.test(pair)) errors.push(invalid(`${field}.registry`, registry, pairs))
  return [...errors, ...need(`${field}.volume`, volume)]
}

function checkFibreChannel(field: string, { targetWWNs = [], wwids = [], lun }: FCVolumeSource): FieldError[] {
  const errors: FieldError[] = []
  const at = `${field}.targetWWNs`
  if (!targetWWNs.length && !wwids.length)
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length && wwids.length)
    errors.push(invalid(at, goList(targetWWNs), 'targetWWNs and wwids can not be specified simultaneously'))
  if (targetWWNs.length) {
    if (lun === undefined) errors.push(required(`${field}.lun`, 'lun is required if targetWWNs is specified'))
    else errors.push(...checkRange(`${field}.lun`, lun, 0, 255))
  }
  return errors
}

function checkFlexOptions(field: string, { options = {} }: { options?: Record<string, string> }): FieldError[] {
  return Object.keys(options).flatMap(key => {
    const domain = `.${key.split('/', 1)[0]!.toLowerCase()}`
    const reserved = domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')
    return reserved
      ? [invalid(`${field}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved')]
      : []
  })
}

const managedDisk = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const blobDisk = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'

function checkAzureDisk(field: string, { diskName, diskURI, cachingMode, kind }: AzureDiskVolumeSource): FieldError[] {
  const errors = [...need(`${field}.diskName`, diskName), ...need(`${field}.diskURI`, diskURI)]
  const oneOf = (name: string, value: string | undefined, allowed: string[]) => {
    if (value !== undefined && !allowed.includes(value)) errors.push(notSupported(`${field}.${name}`, value, allowed))
  }
  oneOf('cachingMode', cachingMode, ['None', 'ReadOnly', 'ReadWrite'])
  oneOf('kind', kind, ['Dedicated', 'Managed', 'Shared'])
  const managed = kind === 'Managed'
  if (kind !== undefined && !diskURI?.startsWith(managed ? '/subscriptions/' : 'https://'))
    errors.push(notSupported(`${field}.diskURI`, diskURI ?? '', [managed ? managedDisk : blobDisk]))
  return errors
}

function checkStorageOs(field: string, source: StorageOSVolumeSource): FieldError[] {
  const { volumeName, volumeNamespace: space } = source
  return [
    ...checkName(`${field}.volumeName`, volumeName, isDns1123Label),
    ...(space ? texts(`${field}.volumeNamespace`, space, isDns1123Label(space)) : []),
    ...checkSecretName(field, source),
  ]
}

function checkSecretName(field: string, { secretRef }: { secretRef?: { name?: string } }): FieldError[] {
  return secretRef ? need(`${field}.secretRef.name`, secretRef.name) : []
}

export function checkCsiDriver(field: string, driver = ''): FieldError[] {
  const errors = need(field, driver)
  if (driver.length > 63) errors.push(tooLong(field, 63))
  return [...errors, ...texts(field, driver, isDns1123Subdomain(driver.toLowerCase()))]
}
