import { join } from 'node:path'
import { quantityToFloat } from '../../base/quantity.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { folderOf } from '../cgroup/pod-limits.ts'
import { qosClassOf } from '../pod/qos.ts'
import type { ServedNode } from './served-node.ts'
import { family } from './text-form.ts'

type Usage = Awaited<ReturnType<ServedNode['runtime']['stats']>>[number]['containers'][number]
/** Of processor quotas, in microseconds: what runtimes use unless told otherwise. */
const quotaPeriodUs = 100_000

type Values = { value: number | undefined; more?: string }

/** A container, with what is known of it from all sides. */
interface Shown {
  usage: Usage
  observed: ObservedContainer | undefined
  limits: Record<string, string>
}

const figures: readonly [name: string, type: 'counter' | 'gauge', help: string, of: (shown: Shown) => Values][] = [
  [
    'container_cpu_usage_seconds_total',
    'counter',
    'CPU time used by the container in core-seconds',
    ({ usage }) => ({ value: usage.cpuNanoseconds / 1e9, more: ',cpu="total"' }),
  ],
  [
    'container_fs_inodes_total',
    'gauge',
    "Inodes in use in the container's writable layer",
    ({ usage }) => ({ value: usage.filesystemUsedInodes }),
  ],
  [
    'container_fs_usage_bytes',
    'gauge',
    "Bytes in use in the container's writable layer",
    ({ usage }) => ({ value: usage.filesystemUsedBytes }),
  ],
  [
    'container_last_seen',
    'gauge',
    'When the container was looked at, since 1970 in seconds',
    ({ usage }) => ({ value: Math.floor(usage.atMs / 1000) }),
  ],
  [
    'container_memory_rss',
    'gauge',
    'Anonymous memory of the container in bytes',
    ({ usage }) => ({ value: usage.memoryRssBytes }),
  ],
  [
    'container_memory_usage_bytes',
    'gauge',
    'Memory of the container in bytes, caches included',
    ({ usage }) => ({ value: usage.memoryUsageBytes }),
  ],
  [
    'container_memory_working_set_bytes',
    'gauge',
    'Working set of the container in bytes',
    ({ usage }) => ({ value: usage.memoryWorkingSetBytes }),
  ],
  [
    'container_spec_cpu_period',
    'gauge',
    'Microseconds in which the quota of processor time counts',
    ({ limits }) => ({ value: limits['cpu'] === undefined ? undefined : quotaPeriodUs }),
  ],
  [
    'container_spec_cpu_quota',
    'gauge',
    'Microseconds of processor time that the container may use in a period',
    ({ limits }) => ({
      value: limits['cpu'] === undefined ? undefined : quantityToFloat(limits['cpu']) * quotaPeriodUs,
    }),
  ],
  [
    'container_spec_memory_limit_bytes',
    'gauge',
    'Limit of the container in bytes; 0: none',
    ({ limits }) => ({ value: quantityToFloat(limits['memory'] ?? '0') }),
  ],
  [
    'container_start_time_seconds',
    'gauge',
    'Start of the container since 1970 in seconds',
    ({ observed }) => ({ value: observed?.startedAtMs && observed.startedAtMs / 1000 }),
  ],
]

/**
 * The body of /metrics/cadvisor, in Prometheus' text form: containers under cAdvisor's names and labels, the network of
 * their pods, and the limits that they were given.
 * @see https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
 */
export async function cadvisorMetrics(node: ServedNode): Promise<string> {
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const lines = new Map<string, string[]>()
  const add = (name: string, labels: string, value: number | undefined) => {
    if (value === undefined) return
    const list = lines.get(name)
    const line = `${name}{${labels}} ${value}`
    if (list) list.push(line)
    else lines.set(name, [line])
  }
  for (const { uid, containers, network } of await node.runtime.stats()) {
    const pod = pods.get(uid)
    if (!pod) continue
    for (const usage of containers) {
      const shown = shownOf(node, pod, usage)
      const labels = labelsOf(pod, shown)
      for (const [name, , , of] of figures) {
        const { value, more = '' } = of(shown)
        add(name, labels + more, value)
      }
    }
    const labels = `${labelsOf(pod)},interface="eth0"`
    add(received, labels, network?.rxBytes)
    add(sent, labels, network?.txBytes)
  }
  const all = [...figures, ...networkFigures].flatMap(([name, type, help]) =>
    family(name, type, help, lines.get(name) ?? []),
  )
  return `${all.join('\n')}\n`
}

const received = 'container_network_receive_bytes_total'
const sent = 'container_network_transmit_bytes_total'

const networkFigures = [
  [received, 'counter', 'Bytes that the pod received'],
  [sent, 'counter', 'Bytes that the pod sent'],
] as const

function shownOf(node: ServedNode, pod: Pod, usage: Usage): Shown {
  const { containers, initContainers = [] } = pod.spec!
  const container = [...containers, ...initContainers].find(one => one.name === usage.name)
  return {
    usage,
    observed: node.observed(pod.metadata.uid!)?.containers.find(one => one.id === usage.id),
    limits: container?.resources?.limits ?? {},
  }
}

/** As kubelet's: a pod as a whole, which owns the network, has an empty container. */
function labelsOf({ metadata: { namespace, name, uid }, spec }: Pod, shown?: Shown): string {
  const id = join('/kubepods', folderOf[qosClassOf(spec!)], `pod${uid}`, shown?.usage.id ?? '')
  const labels = {
    container: shown?.usage.name ?? '',
    id,
    image: shown?.observed?.image ?? '',
    name: shown?.usage.id ?? '',
    namespace,
    pod: name,
  }
  return Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join()
}
