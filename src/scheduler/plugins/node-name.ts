import type { SchedulerPlugin } from '../plugin.ts'

/** A pod that names its node goes nowhere else. Such pods are usually never seen by a scheduler; a simulation may ask. */
export const nodeName: SchedulerPlugin<string> = {
  name: 'NodeName',
  byShape: true,
  lasting: true,
  prepare: pod => pod.spec.nodeName || undefined,
  candidates: name => new Set([name]),
  filter: (name, node) => (node.name === name ? undefined : "node(s) didn't match the requested node name"),
  wakes: e => e.type === 'node-added',
}
