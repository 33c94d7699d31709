import type { SchedulerPlugin } from '../plugin.ts'
import type { HostPort } from '../pod-class.ts'

const anyAddress = '0.0.0.0'

const clash = (a: HostPort, b: HostPort) =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress)

/** A host port is free if no pod on the node has it on the same address, and 0.0.0.0 means all addresses. */
export const nodePorts: SchedulerPlugin<readonly HostPort[]> = {
  name: 'NodePorts',
  byShape: true,
  prepare: (_pod, _snapshot, { class: c }) => (c.ports.length ? c.ports : undefined),
  filter(wanted, { placed }) {
    for (const { class: c } of placed)
      for (const taken of c.ports)
        if (wanted.some(w => clash(w, taken))) return "node(s) didn't have free ports for the requested pod ports"
    return undefined
  },
  evictionHelps: () => true,
  wakes: (e, pod) =>
    e.type === 'node-added' ||
    (e.type === 'pod-removed' && e.pod.class.ports.some(taken => pod.class.ports.some(w => clash(w, taken)))),
}
