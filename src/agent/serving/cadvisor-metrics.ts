import { join } from 'node:path'
import { quantityToFloat, quantityToMillis } from '../../base/quantity.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { Container } from '../../models/types/core-v1.ts'
import type { ObservedSandbox, PodUsage } from '../../runtime/runtime.ts'
import type { GroupCounters } from '../cgroup/group-counters.ts'
import type { GroupLimits } from '../cgroup/group-limits.ts'
import { folderOf, leastShares, podGroup } from '../cgroup/pod-limits.ts'
import { qosClassOf } from '../pod/qos.ts'
import { findContainer } from '../pod/records.ts'
import { cpuQuota, cpuShares } from '../pod/resources.ts'
import { figures } from './cadvisor-figures.ts'
import { countProcesses } from './container-processes.ts'
import type { Shown } from './figure.ts'
import { type DiskUse, type MachineDisks, readDisks } from './machine-disks.ts'
import { machineFamilies } from './machine-families.ts'
import { type InterfaceCounters, readHostInterfaces, readInterfaces } from './pod-network.ts'
import type { ServedNode } from './served-node.ts'
import { family, labelText, single } from './text-form.ts'

/**
 * The body of /metrics/cadvisor, in Prometheus' text form: containers, the sandboxes that hold their network, pods, the
 * groups of pods, and the machine.
 */
export async function cadvisorMetrics(node: ServedNode): Promise<string> {
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const [disks, layers, usages] = await Promise.all([readDisks(node.disk), layersOf(node), node.runtime.stats()])
  const device = layers === undefined ? undefined : disks.deviceOf(layers)
  const shown = await Promise.all([
    ...groupsOfAll(node).map(async id => [labelsOf({ id }), await shownGroup(node, id, disks)] as const),
    ...usages.flatMap(usage => {
      const pod = pods.get(usage.uid)
      return pod ? shownPod(node, pod, usage, device) : []
    }),
  ])
  const lines = new Map<string, string[]>(figures.map(({ name }) => [name, []]))
  for (const [labels, known] of shown)
    for (const { name, of } of figures) {
      const found = of({ ...known, devices: disks.names })
      for (const { labels: more, value } of Array.isArray(found) ? found : [{ labels: '', value: found }])
        if (value !== undefined) lines.get(name)!.push(`${name}${withMore(labels, more)} ${value}`)
    }
  return `${[
    ...figures.flatMap(({ name, type, help }) => family(name, type, help, lines.get(name)!)),
    ...single('container_scrape_error', 'gauge', '1 if the containers could not be looked at, 0 otherwise', 0),
    ...(await machineFamilies(node)),
  ].join('\n')}\n`
}

type Known = Omit<Shown, 'devices'>
type Labelled = readonly [labels: string, known: Known]

const nothing: GroupCounters = { io: [] }

/** The machine as a whole and the groups above pods, where the node has such groups. */
const groupsOfAll = (node: ServedNode): string[] => (node.groups() ? ['/', ...node.groups()!.above] : [])

const layersOf = async ({ runtime }: ServedNode) =>
  (await runtime.imageFilesystem().catch(() => undefined))?.layers.path

async function counted(node: ServedNode, group: string | undefined): Promise<Known> {
  const groups = node.groups()
  const [counters, pressure] =
    group === undefined ? [] : await Promise.all([groups?.counters(group), groups?.pressure(group)])
  return { counters: counters ?? nothing, pressure: pressure ?? {}, atMs: node.clock.now() }
}

async function shownGroup(node: ServedNode, group: string, { mounted }: MachineDisks): Promise<Known> {
  const groups = node.groups()!
  const whole = group === '/'
  const [known, bounds, startedAtMs, interfaces] = await Promise.all([
    counted(node, group),
    whole ? { cpuShares: 1024, ...memoryOf(node) } : groups.bounds(group),
    whole ? undefined : groups.madeAtMs(group),
    whole && node.disk ? readHostInterfaces(node.disk) : [],
  ])
  return { ...known, bounds, startedAtMs, interfaces, ...(whole ? { disks: mounted } : {}) }
}

/** No group is held to less than the machine has. */
function memoryOf(node: ServedNode): Pick<GroupLimits, 'memoryBytes'> {
  const memory = node.machine()?.capacity['memory']
  return memory === undefined ? {} : { memoryBytes: quantityToFloat(memory) }
}

/** The pod, its sandbox and each of its containers. @param layer where what containers write is */
function shownPod(node: ServedNode, pod: Pod, usage: PodUsage, layer: DiskUse | undefined): Promise<Labelled>[] {
  const uid = pod.metadata.uid!
  const group = node.groups()?.groupOf(uid)
  const { namespace = '', name } = pod.metadata
  const about = { namespace, pod: name }
  const sandbox = node.observed(uid)?.sandboxes.find(({ state }) => state === 'ready')
  const whole = async (): Promise<Labelled> => {
    const own = await group
    const known = await counted(node, own)
    const startedAtMs = sandbox?.createdAtMs
    return [
      labelsOf({ ...about, id: own ?? idOf(pod) }),
      { ...known, bounds: podGroup(pod, [], undefined, node.cpuQuotas), startedAtMs },
    ]
  }
  const containers = usage.containers.map(async (one): Promise<Labelled> => {
    const above = await group
    const own = above && join(above, one.id)
    const observed = node.observed(uid)?.containers.find(({ id }) => id === one.id)
    const [known, processes] = await Promise.all([counted(node, own), processesOf(node, own)])
    const definition = findContainer(pod as never, one.name) as Container | undefined
    const bounds = definition && boundsOf(definition, node.cpuQuotas)
    const labels = { ...about, container: one.name, image: observed?.image ?? '', name: one.id }
    return [
      labelsOf({ ...labels, id: own ?? idOf(pod, one.id) }),
      { ...known, usage: one, observed, startedAtMs: observed?.startedAtMs, bounds, processes, ...written(one, layer) },
    ]
  })
  return [whole(), ...(sandbox ? [shownSandbox(node, pod, usage, sandbox)] : []), ...containers]
}

async function shownSandbox(
  node: ServedNode,
  pod: Pod,
  usage: PodUsage,
  { id: sandbox, createdAtMs: startedAtMs }: ObservedSandbox,
): Promise<Labelled> {
  const { namespace = '', name, uid } = pod.metadata
  const above = await node.groups()?.groupOf(uid!)
  const own = above && join(above, sandbox)
  const [known, image, interfaces] = await Promise.all([
    counted(node, own),
    node.runtime.sandboxImage?.(sandbox).catch(() => undefined),
    interfacesOf(node, pod, usage),
  ])
  return [
    labelsOf({ id: own ?? idOf(pod, sandbox), image: image ?? '', name: sandbox, namespace, pod: name }),
    { ...known, startedAtMs, bounds: { cpuShares: leastShares }, interfaces },
  ]
}

function boundsOf({ resources: { requests, limits } = {} }: Container, quotas = true): GroupLimits {
  const memory = limits?.['memory']
  return {
    cpuShares: cpuShares(quantityToMillis(requests?.['cpu'] ?? limits?.['cpu'] ?? '0')),
    ...(quotas && limits?.['cpu'] ? { cpuQuotaMicros: cpuQuota(quantityToMillis(limits['cpu'])) } : {}),
    ...(memory ? { memoryBytes: quantityToFloat(memory) } : {}),
  }
}

async function processesOf(node: ServedNode, group: string | undefined) {
  if (group === undefined || !node.disk) return undefined
  return countProcesses(node.disk, await node.groups()!.processesIn(group))
}

/** Of the file system that holds it a container has what it wrote; where that is not one of the machine's its name is not known. */
function written({ filesystemUsedBytes }: PodUsage['containers'][number], layer: DiskUse | undefined) {
  if (filesystemUsedBytes === undefined) return {}
  const { io: _, ...space }: Partial<DiskUse> = layer ?? {}
  return { disks: [{ device: '', ...space, usedBytes: filesystemUsedBytes }] }
}

/** What the kernel tells of the pod's network, the node's with `hostNetwork`; or at least the runtime's sums. */
async function interfacesOf(node: ServedNode, pod: Pod, { network }: PodUsage): Promise<InterfaceCounters[]> {
  if (pod.spec!.hostNetwork) return node.disk ? readHostInterfaces(node.disk) : []
  const processes = (await node.groups()?.processes(pod.metadata.uid!)) ?? []
  const found = node.disk ? await readInterfaces(node.disk, processes) : []
  if (found.length || !network) return found
  return [{ name: 'eth0', received: { bytes: network.rxBytes }, sent: { bytes: network.txBytes } }]
}

/** Where its group would be by custom. */
const idOf = ({ metadata: { uid }, spec }: Pod, container = '') =>
  join('/kubepods', folderOf[qosClassOf(spec!)], `pod${uid}`, container)

/** As kubelet's: a pod's sandbox, which owns the network, has an empty container, and the pod as a whole no image either. */
const labelsOf = (about: Record<string, string>): string =>
  labelText({ container: '', id: '', image: '', name: '', namespace: '', pod: '', ...about })

const withMore = (labels: string, more: string) => (more ? `${labels.slice(0, -1)},${more}}` : labels)
