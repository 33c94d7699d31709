import type { Client } from '../client/client.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { claimNameOf } from '../models/claim-name.ts'
import type { Kind } from '../models/kind.ts'
import { PersistentVolume, PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { type KubeObject, keyOf, keyText } from '../models/object.ts'
import { claimsOf, isMadeFor, podsByClaim } from './pod-indexes.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

/** A claim that pods use is not deleted before they are gone. */
export function claimProtectionReconciler(): Reconciler {
  return {
    name: 'persistent-volume-claim-protection',
    primary: PersistentVolumeClaim,
    watches: [{ kind: Pod, keys: claimsOf }],
    writes: [{ kind: PersistentVolumeClaim, part: 'metadata' }],
    async reconcile(key, { cache, client }) {
      const claim = cache.get(PersistentVolumeClaim, key)
      if (!claim) return
      if (!claim.metadata.deletionTimestamp)
        return setFinalizer(client, PersistentVolumeClaim, claim, claimFinalizer, true)
      if (!claim.metadata.finalizers?.includes(claimFinalizer)) return
      if (cache.byIndex(podsByClaim, keyText(key)).some(pod => uses(pod, claim))) return
      // A pod may have come that the cache does not show yet.
      const { items } = await client.list(Pod, { namespace: key.namespace! })
      if (!items.some(pod => uses(pod, claim)))
        await setFinalizer(client, PersistentVolumeClaim, claim, claimFinalizer, false)
    },
  }
}

/**
 * A pod on a node uses its claims as long as it exists; one without a node will not get one any more, as its claim is being deleted. A
 * claim that was made for a pod alone goes when the pod is only waiting for it.
 */
function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec?.nodeName) return false
  const waits = pod.metadata.deletionTimestamp && pod.metadata.deletionGracePeriodSeconds === 0
  return (
    pod.spec.volumes?.some(
      v => claimNameOf(pod, v) === claim.metadata.name && !(v.ephemeral && (waits || !isMadeFor(claim, pod))),
    ) ?? false
  )
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
