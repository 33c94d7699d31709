import { join } from 'node:path'
import { quantityToFloat } from '../../base/quantity.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { Container } from '../../models/types/core-v1.ts'
import type { PodUsage } from '../../runtime/runtime.ts'
import type { GroupCounters } from '../cgroup/group-counters.ts'
import { folderOf } from '../cgroup/pod-limits.ts'
import { qosClassOf } from '../pod/qos.ts'
import { findContainer } from '../pod/records.ts'
import { figures, type Shown } from './cadvisor-figures.ts'
import { type InterfaceCounters, readInterfaces } from './pod-network.ts'
import type { ServedNode } from './served-node.ts'
import { family, labelText, single } from './text-form.ts'

/** The body of /metrics/cadvisor, in Prometheus' text form: containers, their pods and the groups of pods, and the machine. */
export async function cadvisorMetrics(node: ServedNode): Promise<string> {
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const [devices, usages] = await Promise.all([deviceNames(node), node.runtime.stats()])
  const shown = await Promise.all([
    ...groupsOfAll(node).map(async id => [labelsOf({ id }), await shownGroup(node, id)] as const),
    ...usages.flatMap(usage => {
      const pod = pods.get(usage.uid)
      return pod ? shownPod(node, pod, usage) : []
    }),
  ])
  const lines = new Map<string, string[]>(figures.map(({ name }) => [name, []]))
  for (const [labels, known] of shown)
    for (const { name, of } of figures) {
      const found = of({ ...known, devices })
      for (const { labels: more, value } of Array.isArray(found) ? found : [{ labels: '', value: found }])
        if (value !== undefined) lines.get(name)!.push(`${name}${withMore(labels, more)} ${value}`)
    }
  return `${[
    ...figures.flatMap(({ name, type, help }) => family(name, type, help, lines.get(name)!)),
    ...single('container_scrape_error', 'gauge', '1 if the containers could not be looked at, 0 otherwise', 0),
    ...machineFamilies(node),
  ].join('\n')}\n`
}

type Known = Omit<Shown, 'devices'>

const nothing: GroupCounters = { io: [] }

/** The machine as a whole and the groups above pods, where the node has such groups. */
const groupsOfAll = (node: ServedNode): string[] => (node.groups() ? ['/', ...node.groups()!.above] : [])

const shownGroup = async (node: ServedNode, group: string | undefined): Promise<Known> => ({
  counters: (group !== undefined && (await node.groups()?.counters(group))) || nothing,
})

/** The pod and each of its containers. */
function shownPod(node: ServedNode, pod: Pod, usage: PodUsage): Promise<readonly [string, Known]>[] {
  const uid = pod.metadata.uid!
  const group = node.groups()?.groupOf(uid)
  const { namespace = '', name } = pod.metadata
  const whole = async () => {
    const own = await group
    const [{ counters }, interfaces] = await Promise.all([shownGroup(node, own), interfacesOf(node, pod, usage)])
    return [labelsOf({ id: own ?? idOf(pod), namespace, pod: name }), { counters, interfaces }] as const
  }
  const containers = usage.containers.map(async one => {
    const above = await group
    const own = above && join(above, one.id)
    const observed = node.observed(uid)?.containers.find(({ id }) => id === one.id)
    const about = { container: one.name, image: observed?.image ?? '', name: one.id, namespace, pod: name }
    const { counters } = await shownGroup(node, own)
    const definition = findContainer(pod as never, one.name) as Container | undefined
    return [
      labelsOf({ ...about, id: own ?? idOf(pod, one.id) }),
      { counters, usage: one, observed, definition },
    ] as const
  })
  return [whole(), ...containers]
}

/** Of a pod that has its own network: what the kernel tells, or at least the runtime's sums. */
async function interfacesOf(node: ServedNode, pod: Pod, { network }: PodUsage): Promise<InterfaceCounters[]> {
  if (pod.spec!.hostNetwork) return []
  const processes = (await node.groups()?.processes(pod.metadata.uid!)) ?? []
  const found = node.disk ? await readInterfaces(node.disk, processes) : []
  if (found.length || !network) return found
  return [{ name: 'eth0', received: { bytes: network.rxBytes }, sent: { bytes: network.txBytes } }]
}

/** `8:0` is `/dev/sda`. */
async function deviceNames({ disk }: ServedNode): Promise<Map<string, string>> {
  const text = (await disk?.readText('/proc/diskstats').catch(() => '')) ?? ''
  const names = [...text.matchAll(/^ *(\d+) +(\d+) (\S+)/gm)]
  return new Map(names.map(([, major, minor, name]) => [`${major}:${minor}`, `/dev/${name}`]))
}

function machineFamilies(node: ServedNode): string[] {
  const machine = node.machine()
  if (!machine) return []
  const { bootID, machineID, systemUUID } = machine.info
  const labels = labelText({ boot_id: bootID, machine_id: machineID, system_uuid: systemUUID })
  const gauge = (name: string, help: string, resource: string) =>
    family(name, 'gauge', help, [`${name}${labels} ${quantityToFloat(machine.capacity[resource] ?? '0')}`])
  return [
    ...gauge('machine_cpu_cores', 'Processors of the machine', 'cpu'),
    ...gauge('machine_memory_bytes', 'Memory of the machine in bytes', 'memory'),
  ]
}

/** Where its group would be by custom. */
const idOf = ({ metadata: { uid }, spec }: Pod, container = '') =>
  join('/kubepods', folderOf[qosClassOf(spec!)], `pod${uid}`, container)

/** As kubelet's: a pod as a whole, which owns the network, has an empty container; a group of pods has only its id. */
const labelsOf = (about: Record<string, string>): string =>
  labelText({ container: '', id: '', image: '', name: '', namespace: '', pod: '', ...about })

const withMore = (labels: string, more: string) => (more ? `${labels.slice(0, -1)},${more}}` : labels)
