import { sameMeaning } from '../base/equality.ts'
import { selectorFromLabels } from '../base/labels.ts'
import { selectedOf } from '../client/label-index.ts'
import type { Reconciler } from '../client/reconciler.ts'
import { Pod, PodGroup } from '../models/kinds/index.ts'
import type { PodGroupStatus } from '../models/types/scheduling-v1alpha1.ts'

const groupLabel = 'scheduling.x-k8s.io/pod-group'

const podsSelected = selectedOf(Pod)

/** Tells in a PodGroup's status how far its members have come. */
export function podGroupReconciler(): Reconciler {
  return {
    name: 'pod-group',
    primary: PodGroup,
    watches: [
      {
        kind: Pod,
        keys({ metadata }: Pod) {
          const name = metadata.labels?.[groupLabel]
          return name ? [{ namespace: metadata.namespace!, name }] : []
        },
      },
    ],
    writes: [{ kind: PodGroup, part: 'status' }],
    async reconcile(key, { cache, client }) {
      const group = cache.get(PodGroup, key)
      if (!group || group.metadata.deletionTimestamp) return
      const pods = podsSelected(cache, key.namespace, selectorFromLabels({ [groupLabel]: key.name }))
      const status = groupStatus(group, pods)
      if (!sameMeaning(group.status ?? {}, status)) await client.updateStatus(PodGroup, { ...group, status })
    },
  }
}

export function groupStatus(group: PodGroup, pods: readonly Pod[]): PodGroupStatus {
  const inPhase = (phase: string) => pods.filter(p => p.status?.phase === phase).length
  const { minMember = 1 } = group.spec ?? {}
  const placed = pods.filter(p => p.spec.nodeName)
  const since = placed
    .flatMap(p => p.status?.conditions ?? [])
    .filter(c => c.type === 'PodScheduled' && c.status === 'True')
  const first = since.flatMap(c => c.lastTransitionTime ?? []).sort()[0] ?? group.status?.scheduleStartTime
  const owner = pods[0]?.metadata.ownerReferences?.find(r => r.controller)
  const counts = { running: inPhase('Running'), succeeded: inPhase('Succeeded'), failed: inPhase('Failed') }
  return {
    phase: phaseOf(pods.length, placed.length, minMember, counts),
    scheduled: placed.length,
    ...counts,
    ...(first ? { scheduleStartTime: first } : {}),
    ...(owner ? { occupiedBy: `${group.metadata.namespace}/${owner.name}` } : {}),
    // The scheduler's part.
    ...(group.status?.queue ? { queue: group.status.queue } : {}),
  }
}

function phaseOf(
  members: number,
  placed: number,
  minMember: number,
  { running, succeeded, failed }: { running: number; succeeded: number; failed: number },
): string {
  if (members && succeeded >= minMember && succeeded + failed === members) return 'Finished'
  if (members && failed + succeeded === members) return 'Failed'
  if (running + succeeded >= minMember) return 'Running'
  if (placed >= minMember) return 'Scheduled'
  return members >= minMember ? 'Scheduling' : 'Pending'
}
