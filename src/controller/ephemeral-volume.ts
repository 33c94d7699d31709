import type { Reconciler } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { isPodTerminal } from '../models/pod-state.ts'

/** Makes the claims of pods' ephemeral volumes; they belong to their pod and go with it. */
export function ephemeralVolumeReconciler(): Reconciler {
  return {
    name: 'ephemeral-volume',
    primary: Pod,
    watches: [{ kind: PersistentVolumeClaim, keys: podOf }],
    writes: [{ kind: PersistentVolumeClaim, part: 'owned' }],
    async reconcile(key, { cache, client, events }) {
      const pod = cache.get(Pod, key)
      if (!pod || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return
      for (const { name, ephemeral } of pod.spec.volumes ?? []) {
        const template = ephemeral?.volumeClaimTemplate
        if (!template) continue
        const claimName = `${key.name}-${name}`
        const known = cache.get(PersistentVolumeClaim, { namespace: key.namespace!, name: claimName })
        if (known) {
          if (isOwnedBy(known, pod)) continue
          const text = `PVC "${key.namespace}/${claimName}" was not created for pod "${key.namespace}/${key.name}" (pod is not owner)`
          events.warning(pod, 'ConflictingPersistentVolumeClaim', text)
          throw new Error(text)
        }
        await client.create(PersistentVolumeClaim, claimOf(pod, claimName, template)).catch(error => {
          if (!isAlreadyExists(error)) throw error
        })
      }
    },
  }
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

const isOwnedBy = (claim: PersistentVolumeClaim, pod: Pod) =>
  claim.metadata.ownerReferences?.some(r => r.controller && r.uid === pod.metadata.uid) ?? false

function podOf(claim: PersistentVolumeClaim) {
  const owner = claim.metadata.ownerReferences?.find(r => r.controller && r.kind === 'Pod')
  return owner ? [{ namespace: claim.metadata.namespace!, name: owner.name }] : []
}
