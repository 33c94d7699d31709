import type { World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { ConfigMap, Secret, type Workload } from '../models/kinds/index.ts'
import type { KubeObject } from '../models/object.ts'
import { stableHash } from './template-hash.ts'

/** On the pods: in which state they read their configuration. */
export const configAnnotation = 'optiflow.dev/config'

interface Reference {
  kind: Kind<ConfigMap> | Kind<Secret>
  name: string
}

/** The ConfigMaps and Secrets that an app reads, as variables or files. */
export function configOf({ spec }: Workload): Reference[] {
  const maps: (string | undefined)[] = []
  const secrets: (string | undefined)[] = []
  for (const { valueFrom } of spec.env ?? []) {
    maps.push(valueFrom?.configMapKeyRef?.name)
    secrets.push(valueFrom?.secretKeyRef?.name)
  }
  for (const { configMapRef, secretRef } of spec.envFrom ?? []) {
    maps.push(configMapRef?.name)
    secrets.push(secretRef?.name)
  }
  for (const { configMap, secret } of spec.volumes ?? []) {
    maps.push(configMap?.name)
    secrets.push(secret?.secretName)
  }
  const all = (kind: Reference['kind'], names: (string | undefined)[]) =>
    [...new Set(names)].filter(name => !!name).map(name => ({ kind, name: name! }))
  return [...all(ConfigMap, maps), ...all(Secret, secrets)]
}

/**
 * A short text that changes when what the app reads does. Of a Secret it tells nothing but that it changed: whoever may see pods
 * must not be able to guess at its words.
 * @returns undefined when the app reads nothing, does not want to be restarted, or something is missing: then pods stay as they are
 */
export function configFingerprint(workload: Workload, { cache }: Pick<World, 'cache'>): string | undefined {
  const references = configOf(workload)
  if (!references.length || workload.spec.restartOnConfigChange === false) return undefined
  const { namespace } = workload.metadata
  const states = references.map(({ kind, name }) => {
    const object = cache.get(kind as Kind<ConfigMap & Secret>, { namespace: namespace!, name })
    if (!object) return undefined
    const { uid, resourceVersion } = object.metadata
    return kind.kind === 'Secret' ? [name, uid, resourceVersion] : [name, object.data ?? {}, object.binaryData ?? {}]
  })
  return states.includes(undefined) ? undefined : stableHash(states)
}

/** Whether the cache shows of all of them what the server has: pods must not be replaced for the sake of an old view. */
export async function configIsFresh(workload: Workload, { cache, client }: World): Promise<boolean> {
  const { namespace } = workload.metadata
  const same = configOf(workload).map(async ({ kind, name }) => {
    const key = { namespace: namespace!, name }
    const cached = cache.get(kind as Kind<KubeObject>, key)
    try {
      const live = await client.get(kind as Kind<KubeObject>, key)
      return live.metadata.resourceVersion === cached?.metadata.resourceVersion
    } catch (error) {
      if (!isNotFound(error)) throw error
      return !cached
    }
  })
  return !(await Promise.all(same)).includes(false)
}
