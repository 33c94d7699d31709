import { explain } from '../base/errors.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { keyOf, keyText } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import { isMadeFor, podsByClaim } from './pod-indexes.ts'

/** Makes the claims of pods' ephemeral volumes; they belong to their pod and go with it. */
export function ephemeralVolumeReconciler(): Reconciler {
  return {
    name: 'ephemeral-volume',
    eventsFrom: 'ephemeral_volume',
    primary: Pod,
    concerns: (pod: Pod) => pod.spec?.volumes?.some(v => v.ephemeral) ?? false,
    watches: [
      {
        kind: PersistentVolumeClaim,
        keys: (claim: PersistentVolumeClaim, cache: Cache) =>
          cache.byIndex(podsByClaim, keyText(keyOf(claim))).map(keyOf),
      },
    ],
    writes: [{ kind: PersistentVolumeClaim, part: 'owned' }],
    async reconcile(key, world) {
      const pod = world.cache.get(Pod, key)
      if (!pod || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return
      for (const { name, ephemeral } of pod.spec.volumes ?? []) {
        const template = ephemeral?.volumeClaimTemplate
        if (!template) continue
        try {
          await makeClaim(world, pod, `${key.name}-${name}`, template)
        } catch (error) {
          world.events.warning(pod, 'FailedBinding', `ephemeral volume ${name}: ${explain(error)}`)
          throw error
        }
      }
    },
  }
}

async function makeClaim({ cache, client }: World, pod: Pod, name: string, template: Template): Promise<void> {
  const known = cache.get(PersistentVolumeClaim, { namespace: pod.metadata.namespace!, name })
  if (known) {
    if (isMadeFor(known, pod)) return
    const [claim, owner] = [known, pod].map(o => keyText(keyOf(o)))
    throw new Error(`PVC ${claim} was not created for pod ${owner} (pod is not owner)`)
  }
  await client.create(PersistentVolumeClaim, claimOf(pod, name, template)).catch(error => {
    if (!isAlreadyExists(error)) throw new Error(`create PVC ${name}: ${explain(error)}`, { cause: error })
  })
}

type Template = NonNullable<
  NonNullable<NonNullable<Pod['spec']['volumes']>[number]['ephemeral']>['volumeClaimTemplate']
>

function claimOf({ metadata }: Pod, name: string, template: Template) {
  return {
    metadata: {
      ...template.metadata,
      namespace: metadata.namespace!,
      name,
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          name: metadata.name,
          uid: metadata.uid!,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: template.spec,
  }
}
