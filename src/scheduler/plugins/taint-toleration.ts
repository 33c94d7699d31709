import { tolerates, untoleratedTaint } from '../../models/taints.ts'
import type { Toleration } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { Snapshot } from '../snapshot.ts'

interface State {
  tolerations: readonly Toleration[] | undefined
  anyPreferred: boolean
}

/** Taints keep pods away unless tolerated; of the rest, nodes with fewer PreferNoSchedule taints are better: 100·(1 − n/most). */
export const taintToleration: SchedulerPlugin<State> = {
  name: 'TaintToleration',
  byShape: true,
  lasting: true,
  prepare(pod, snapshot) {
    const { any, anyPreferred } = survey(snapshot)
    return any ? { tolerations: pod.spec.tolerations, anyPreferred } : undefined
  },
  filter({ tolerations }, { taints }) {
    const taint = untoleratedTaint(taints, tolerations)
    return taint && `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
  },
  scores: state => state.anyPreferred,
  score({ tolerations }, { taints }) {
    let intolerable = 0
    for (const t of taints) if (t.effect === 'PreferNoSchedule' && !tolerates(tolerations, t)) intolerable++
    return intolerable
  },
  normalize: 'lowest',
  wakes: (e, { pod }) =>
    (e.type === 'node-added' || (e.type === 'node-updated' && e.changed.has('taints'))) &&
    !untoleratedTaint(e.node.spec?.taints ?? [], pod.spec.tolerations),
}

const surveys = new WeakMap<Snapshot, { epoch: number; any: boolean; anyPreferred: boolean }>()

/** Whether there are taints at all, found out once for each set of nodes. */
function survey(snapshot: Snapshot) {
  const known = surveys.get(snapshot)
  if (known?.epoch === snapshot.epoch) return known
  const found = { epoch: snapshot.epoch, any: false, anyPreferred: false }
  for (const { taints } of snapshot.nodes) {
    if (!taints.length) continue
    found.any = true
    if (taints.some(t => t.effect === 'PreferNoSchedule')) found.anyPreferred = true
  }
  surveys.set(snapshot, found)
  return found
}
