import type { Client } from '../client/client.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { PersistentVolume, PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { type KubeObject, keyOf, type ObjectKey } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

/** A claim that pods use is not deleted before they are gone. */
export function claimProtectionReconciler(): Reconciler {
  return {
    name: 'persistent-volume-claim-protection',
    primary: PersistentVolumeClaim,
    watches: [{ kind: Pod, keys: (pod: Pod) => claimsOf(pod) }],
    writes: [{ kind: PersistentVolumeClaim, part: 'metadata' }],
    async reconcile(key, { cache, client }) {
      const claim = cache.get(PersistentVolumeClaim, key)
      if (!claim) return
      if (!claim.metadata.deletionTimestamp)
        return setFinalizer(client, PersistentVolumeClaim, claim, claimFinalizer, true)
      if (!claim.metadata.finalizers?.includes(claimFinalizer) || usedBy(cache.list(Pod, key.namespace), key).length)
        return
      // A pod may have come that the cache does not show yet.
      const { items } = await client.list(Pod, { namespace: key.namespace! })
      if (!usedBy(items, key).length) await setFinalizer(client, PersistentVolumeClaim, claim, claimFinalizer, false)
    },
  }
}

function claimsOf(pod: Pod): ObjectKey[] {
  const namespace = pod.metadata.namespace!
  return (pod.spec?.volumes ?? []).flatMap(v => {
    if (v.persistentVolumeClaim) return [{ namespace, name: v.persistentVolumeClaim.claimName }]
    return v.ephemeral ? [{ namespace, name: `${pod.metadata.name}-${v.name}` }] : []
  })
}

function usedBy(pods: readonly Pod[], key: ObjectKey): Pod[] {
  return pods.filter(p => !isPodTerminal(p) && claimsOf(p).some(c => c.name === key.name))
}

/** A volume that is bound is not deleted before its claim. */
export function volumeProtectionReconciler(): Reconciler {
  return {
    name: 'persistent-volume-protection',
    primary: PersistentVolume,
    watches: [
      {
        kind: PersistentVolumeClaim,
        keys: (claim: PersistentVolumeClaim, _: Cache) =>
          claim.spec?.volumeName ? [{ name: claim.spec.volumeName }] : [],
      },
    ],
    writes: [{ kind: PersistentVolume, part: 'metadata' }],
    async reconcile(key, { cache, client }) {
      const volume = cache.get(PersistentVolume, key)
      if (!volume) return
      if (!volume.metadata.deletionTimestamp)
        return setFinalizer(client, PersistentVolume, volume, volumeFinalizer, true)
      if (volume.status?.phase !== 'Bound') await setFinalizer(client, PersistentVolume, volume, volumeFinalizer, false)
    },
  }
}

async function setFinalizer<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  name: string,
  wanted: boolean,
): Promise<void> {
  const { finalizers = [], resourceVersion } = object.metadata
  if (finalizers.includes(name) === wanted) return
  const next = wanted ? [...finalizers, name] : finalizers.filter(f => f !== name)
  try {
    await client.patch(kind, keyOf(object), {
      type: 'merge',
      body: { metadata: { resourceVersion, finalizers: next } },
    })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
