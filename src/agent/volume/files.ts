import type { Clock } from '../../base/clock.ts'
import { ConfigMap } from '../../models/kinds/core/config-map.ts'
import { Secret } from '../../models/kinds/core/secret.ts'
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ProjectedVolumeSource,
  Volume,
} from '../../models/types/core-v1.ts'
import type { ReferencedObjects } from '../objects.ts'
import { fieldValue, type PodFacts, resourceValue } from '../pod/downward.ts'
import type { VolumeFile } from './atomic-folder.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

export interface FileSources {
  objects: ReferencedObjects
  tokens: ServiceAccountTokens
  clock: Clock
}

type Files = Map<string, VolumeFile>

/** An object whose change changes a volume. */
export interface Reference {
  kind: typeof ConfigMap | typeof Secret
  namespace: string
  name: string
}

/** True for volumes whose files the agent writes itself. */
export function isWritten(volume: Volume): boolean {
  return Boolean(volume.configMap || volume.secret || volume.downwardAPI || volume.projected)
}

/** Secrets and tokens are kept in memory, never on a disk. */
export function isSecret(volume: Volume): boolean {
  return Boolean(volume.secret || volume.projected?.sources?.some(s => s.secret || s.serviceAccountToken))
}

export function referencesOf(pod: Pod, volume: Volume): Reference[] {
  const namespace = pod.metadata.namespace!
  const map = (name = ''): Reference => ({ kind: ConfigMap, namespace, name })
  const secret = (name = ''): Reference => ({ kind: Secret, namespace, name })
  if (volume.configMap) return [map(volume.configMap.name)]
  if (volume.secret) return [secret(volume.secret.secretName)]
  return (volume.projected?.sources ?? []).flatMap(source => {
    if (source.configMap) return [map(source.configMap.name)]
    return source.secret ? [secret(source.secret.name)] : []
  })
}

/** What a volume's files should be now. Rejects with the reason why it cannot be known. */
export async function filesOf(volume: Volume, facts: PodFacts, sources: FileSources): Promise<Files> {
  const files: Files = new Map()
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) await addConfigMap(files, facts.pod, configMap, configMap.defaultMode, sources)
  if (secret)
    await addSecret(files, facts.pod, { ...secret, name: secret.secretName ?? '' }, secret.defaultMode, sources)
  if (downwardAPI) addDownward(files, downwardAPI.items, downwardAPI.defaultMode, facts)
  if (projected) await addProjected(files, projected, facts, sources)
  return files
}

async function addProjected(files: Files, projected: ProjectedVolumeSource, facts: PodFacts, sources: FileSources) {
  const mode = projected.defaultMode
  for (const source of projected.sources ?? []) {
    if (source.configMap) await addConfigMap(files, facts.pod, source.configMap, mode, sources)
    if (source.secret) await addSecret(files, facts.pod, source.secret, mode, sources)
    if (source.downwardAPI) addDownward(files, source.downwardAPI.items, mode, facts)
    if (source.serviceAccountToken) {
      const token = await sources.tokens.tokenFor(facts.pod, source.serviceAccountToken)
      const { securityContext, containers } = facts.pod.spec
      const users = new Set(containers.map(c => c.securityContext?.runAsUser ?? securityContext?.runAsUser))
      const [user] = users
      const only = users.size === 1 && user !== undefined ? user : undefined
      const shared = securityContext?.fsGroup !== undefined
      files.set(source.serviceAccountToken.path, {
        data: Buffer.from(token),
        mode: only !== undefined || shared ? 0o600 : (mode ?? 0o644),
        ...(only === undefined ? {} : { uid: only }),
      })
    }
    if (source.clusterTrustBundle) throw new Error('clusterTrustBundle projections are not supported')
  }
}

interface KeyedSource {
  name?: string
  items?: KeyToPath[]
  optional?: boolean
}

async function addConfigMap(files: Files, pod: Pod, source: KeyedSource, mode: number | undefined, s: FileSources) {
  const { name = '' } = source
  const namespace = pod.metadata.namespace!
  const map = await s.objects.get(ConfigMap, { namespace, name })
  if (!map && !source.optional) throw new Error(`configmap "${name}" not found`)
  const data = new Map<string, Buffer>()
  for (const [key, text] of Object.entries(map?.data ?? {})) data.set(key, Buffer.from(text))
  for (const [key, base64] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(base64, 'base64'))
  addKeys(files, data, source, mode, 'configmap')
}

async function addSecret(files: Files, pod: Pod, source: KeyedSource, mode: number | undefined, s: FileSources) {
  const { name = '' } = source
  const namespace = pod.metadata.namespace!
  const secret = await s.objects.get(Secret, { namespace, name })
  if (!secret && !source.optional) throw new Error(`secret "${name}" not found`)
  const entries = Object.entries(secret?.data ?? {}).map(([key, v]) => [key, Buffer.from(v, 'base64')] as const)
  addKeys(files, new Map(entries), source, mode, 'secret')
}

function addKeys(files: Files, data: Map<string, Buffer>, source: KeyedSource, mode = 0o644, what: string) {
  if (!source.items?.length) {
    for (const [key, bytes] of data) files.set(key, { data: bytes, mode })
    return
  }
  for (const item of source.items) {
    const bytes = data.get(item.key)
    if (bytes) files.set(item.path, { data: bytes, mode: item.mode ?? mode })
    else if (!source.optional)
      throw new Error(`${what} references non-existent ${what === 'secret' ? 'secret' : 'config'} key: ${item.key}`)
  }
}

function addDownward(files: Files, items: DownwardAPIVolumeFile[] | undefined, mode = 0o644, facts: PodFacts) {
  for (const item of items ?? []) {
    const text = item.fieldRef
      ? fieldValue(facts, item.fieldRef.fieldPath)
      : item.resourceFieldRef
        ? resourceValue(facts, item.resourceFieldRef, '')
        : ''
    files.set(item.path, { data: Buffer.from(text), mode: item.mode ?? mode })
  }
}
