import { Secret } from '../../models/kinds/core/secret.ts'
import { CSIDriver } from '../../models/kinds/storage/csi-driver.ts'
import type { CSIPersistentVolumeSource, Pod, Volume } from '../../models/types/core-v1.ts'
import type { CSIDriverSpec } from '../../models/types/storage-v1.ts'
import { ephemeralHandle, type VolumeCapability } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { ClaimedVolume } from '../volume/claimed-volume.ts'
import type { ServiceAccountTokens } from '../volume/service-account-tokens.ts'

/** One volume of a CSI driver in one pod: everything that is known of it before the driver is asked. */
export interface CsiUse {
  driver: string
  handle: string
  /** Name of the PersistentVolume, or of the pod's volume. */
  spec: string
  ephemeral: boolean
  block: boolean
  readOnly: boolean
  fsType: string
  modes: readonly string[]
  mountFlags: readonly string[]
  /** The driver's own words about the volume. */
  context: Record<string, string>
  stageSecret: { namespace: string; name: string } | undefined
  publishSecret: { namespace: string; name: string } | undefined
  expandSecret: { namespace: string; name: string } | undefined
  claimed: ClaimedVolume | undefined
}

/** A volume that is ready for its pod. */
export interface ReadyVolume {
  use: CsiUse
  /** Of the folder, or of the device. */
  path: string
  stagingPath: string
  capability: VolumeCapability
}

type SecretRef = CSIPersistentVolumeSource['nodeStageSecretRef']

/** A volume that a claim has. */
export function claimedUse(claimed: ClaimedVolume, volume: Volume): CsiUse {
  const { spec, metadata } = claimed.volume
  const csi = spec.csi!
  const secret = (ref: SecretRef) =>
    ref?.name && ref.namespace ? { namespace: ref.namespace, name: ref.name } : undefined
  return {
    driver: csi.driver,
    handle: csi.volumeHandle,
    spec: metadata.name,
    ephemeral: false,
    block: spec.volumeMode === 'Block',
    readOnly: Boolean(csi.readOnly || volume.persistentVolumeClaim?.readOnly),
    fsType: csi.fsType ?? '',
    modes: spec.accessModes ?? [],
    mountFlags: spec.mountOptions ?? [],
    context: csi.volumeAttributes ?? {},
    stageSecret: secret(csi.nodeStageSecretRef),
    publishSecret: secret(csi.nodePublishSecretRef),
    expandSecret: secret(csi.nodeExpandSecretRef),
    claimed,
  }
}

/** A volume that lives as long as its pod. */
export function inlineUse(pod: Pod, volume: Volume): CsiUse {
  const csi = volume.csi!
  const name = csi.nodePublishSecretRef?.name
  return {
    driver: csi.driver,
    handle: ephemeralHandle(pod.metadata.uid!, volume.name),
    spec: volume.name,
    ephemeral: true,
    block: false,
    readOnly: Boolean(csi.readOnly),
    fsType: csi.fsType ?? '',
    modes: ['ReadWriteOnce'],
    mountFlags: [],
    context: csi.volumeAttributes ?? {},
    stageSecret: undefined,
    publishSecret: name ? { namespace: pod.metadata.namespace!, name } : undefined,
    expandSecret: undefined,
    claimed: undefined,
  }
}

/** What the cluster says of a driver; a driver without such an object is as one that says nothing. */
export async function driverSpec(objects: ReferencedObjects, use: CsiUse): Promise<CSIDriverSpec> {
  const spec = (await objects.get(CSIDriver, { name: use.driver }))?.spec ?? {}
  const modes = spec.volumeLifecycleModes ?? ['Persistent']
  const mode = use.ephemeral ? 'Ephemeral' : 'Persistent'
  if (!modes.includes(mode))
    throw new Error(
      `volume mode ${JSON.stringify(mode)} not supported by driver ${use.driver} (only supports ${JSON.stringify(modes)})`,
    )
  return spec
}

/** What the driver is told about the pod, as far as it asked for it. */
export async function publishContext(
  pod: Pod,
  use: CsiUse,
  { podInfoOnMount, tokenRequests }: CSIDriverSpec,
  tokens: ServiceAccountTokens,
): Promise<Record<string, string>> {
  const context = { ...use.context }
  if (podInfoOnMount)
    Object.assign(context, {
      'csi.storage.k8s.io/pod.name': pod.metadata.name,
      'csi.storage.k8s.io/pod.namespace': pod.metadata.namespace!,
      'csi.storage.k8s.io/pod.uid': pod.metadata.uid!,
      'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName || 'default',
      'csi.storage.k8s.io/ephemeral': String(use.ephemeral),
    })
  if (!tokenRequests?.length) return context
  const found: Record<string, { token: string; expirationTimestamp: string }> = {}
  for (const { audience, expirationSeconds } of tokenRequests) {
    const projection = { path: '', audience, expirationSeconds: expirationSeconds ?? 3600 }
    const token = await tokens.tokenFor(pod, projection)
    found[audience] = { token, expirationTimestamp: endOf(token) }
  }
  return { ...context, 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(found) }
}

/** When a token ends, as it says itself. */
function endOf(token: string): string {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return new Date(exp * 1000).toISOString().replace('.000Z', 'Z')
  } catch {
    return ''
  }
}

export async function secretsOf(
  objects: ReferencedObjects,
  ref: { namespace: string; name: string } | undefined,
): Promise<Record<string, string>> {
  if (!ref) return {}
  const secret = await objects.get(Secret, ref)
  if (!secret) throw new Error(`secret "${ref.namespace}/${ref.name}" not found`)
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  )
}

/** Whether the volume's files are given to the pod's fsGroup by us. */
export function wantsGroup(use: CsiUse, policy: string | undefined): boolean {
  if (use.block || use.readOnly || policy === 'None') return false
  if (policy === 'File') return true
  return use.fsType !== '' && use.modes.length === 1 && /^ReadWriteOnce(Pod)?$/.test(use.modes[0]!)
}
