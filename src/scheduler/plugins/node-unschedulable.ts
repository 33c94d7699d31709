import { tolerates } from '../../models/taints.ts'
import type { Taint } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'

const cordoned: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** A cordoned node takes no pods but those that tolerate it. */
export const nodeUnschedulable: SchedulerPlugin<true> = {
  name: 'NodeUnschedulable',
  byShape: true,
  lasting: true,
  prepare: pod => (tolerates(pod.spec.tolerations, cordoned) ? undefined : true),
  filter: (_, { node }) => (node.spec?.unschedulable ? 'node(s) were unschedulable' : undefined),
  wakes: e =>
    (e.type === 'node-added' || (e.type === 'node-updated' && e.changed.has('taints'))) && !e.node.spec?.unschedulable,
}
