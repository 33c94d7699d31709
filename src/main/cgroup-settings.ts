import type { CgroupSettings } from '../agent/index.ts'
import { oneOf, readPairs, wholeNumber } from './setting-readers.ts'

/** How a node puts pods into control groups, under kubelet's names and with its defaults. */
export interface CgroupChoices {
  /** `false`: the runtime chooses where pods’ control groups are. */
  cgroupsPerQos: 'true' | 'false'
  /** The group below which `kubepods` is. */
  cgroupRoot: string
  /** Who makes them: this node. */
  cgroupDriver: 'cgroupfs'
  /** Who is held to what: `pods` to the node's allocatable, others to what is reserved for them. */
  enforceNodeAllocatable: Enforced[]
  /** Control groups of what is reserved for, `/system.slice`; undefined: not known. */
  systemReservedCgroup: string | undefined
  kubeReservedCgroup: string | undefined
  /** `false`: limits of processors do not hold, only requests do. */
  cpuCfsQuota: 'true' | 'false'
  /** Processes that one pod may have; -1: any number. */
  podMaxPids: number
  /** Percent of the memory requested by pods of the better classes that the lesser ones cannot take: 0…100. */
  qosReservedMemoryPercent: number
}

const enforceable = [
  'pods',
  'system-reserved',
  'system-reserved-compressible',
  'kube-reserved',
  'kube-reserved-compressible',
  'none',
] as const

export type Enforced = (typeof enforceable)[number]

export const cgroupDefaults: CgroupChoices = {
  cgroupsPerQos: 'true',
  cgroupRoot: '/',
  cgroupDriver: 'cgroupfs',
  enforceNodeAllocatable: ['pods'],
  systemReservedCgroup: undefined,
  kubeReservedCgroup: undefined,
  cpuCfsQuota: 'true',
  podMaxPids: -1,
  qosReservedMemoryPercent: 0,
}

function readRoot(text: string): string {
  if (/^\/([\w.-]+(\/[\w.-]+)*)?$/.test(text) && !text.split('/').includes('..')) return text
  throw new Error('is not the path of a control group, such as / or /tenants/a')
}

function readEnforced(text: string): Enforced[] {
  const words = text.split(',').map(word => word.trim())
  for (const word of words)
    if (!(enforceable as readonly string[]).includes(word))
      throw new Error(`is not a list of ${enforceable.join(', ')}`)
  if (new Set(words).size < words.length) throw new Error('names one of them twice')
  if (words.includes('none') && words.length > 1) throw new Error('says none, and names others')
  for (const of of ['system', 'kube'])
    if (words.includes(`${of}-reserved`) && words.includes(`${of}-reserved-compressible`))
      throw new Error(`names both ${of}-reserved and ${of}-reserved-compressible; choose one`)
  return words as Enforced[]
}

/** The driver of systemd is refused in so many words: many a kubelet is set to it. */
function readDriver(text: string): 'cgroupfs' {
  if (text === 'cgroupfs') return text
  if (text !== 'systemd') throw new Error('is not a driver; there is cgroupfs')
  throw new Error(
    'is not supported with a containerd of our own, which makes control groups below /kubepods itself; systemd leaves those alone. Leave it out, or pass --container-runtime-endpoint of a runtime whose driver is systemd',
  )
}

/** `memory=50%` */
function readReservedMemory(text: string): number {
  const { memory, ...others } = readPairs(text)
  const percent = /^(\d{1,3})%$/.exec(memory ?? '')?.[1]
  if (percent && Number(percent) <= 100 && !Object.keys(others).length) return Number(percent)
  throw new Error('is not memory=PERCENT%, such as memory=50%')
}

/** The flag of each, and how its text is read. */
export const cgroupRules: { [K in keyof CgroupChoices]: { name: string; read(text: string): CgroupChoices[K] } } = {
  cgroupsPerQos: { name: 'cgroups-per-qos', read: oneOf(['true', 'false']) },
  cgroupRoot: { name: 'cgroup-root', read: readRoot },
  cgroupDriver: { name: 'cgroup-driver', read: readDriver },
  enforceNodeAllocatable: { name: 'enforce-node-allocatable', read: readEnforced },
  systemReservedCgroup: { name: 'system-reserved-cgroup', read: readRoot },
  kubeReservedCgroup: { name: 'kube-reserved-cgroup', read: readRoot },
  cpuCfsQuota: { name: 'cpu-cfs-quota', read: oneOf(['true', 'false']) },
  podMaxPids: { name: 'pod-max-pids', read: text => wholeNumber(text, -1, 4_194_304) },
  qosReservedMemoryPercent: { name: 'qos-reserved', read: readReservedMemory },
}

/** What is kept off pods, by whom it is kept for. */
interface Reservations {
  system: Record<string, string>
  kube: Record<string, string>
}

function reservedGroups(
  settings: CgroupChoices,
  reservations: Reservations,
): NonNullable<CgroupSettings['reservedGroups']> {
  const { enforceNodeAllocatable: enforced } = settings
  const groups = { system: settings.systemReservedCgroup, kube: settings.kubeReservedCgroup }
  return (['system', 'kube'] as const).flatMap(of => {
    const compressibleOnly = enforced.includes(`${of}-reserved-compressible`)
    const group = groups[of]
    if (!group || !(compressibleOnly || enforced.includes(`${of}-reserved`))) return []
    return [{ of, group, amounts: reservations[of], compressibleOnly }]
  })
}

/** What of control groups cannot be together; undefined: nothing. */
export function cgroupContradiction(settings: CgroupChoices & { reservedCpus: unknown }): string | undefined {
  const { enforceNodeAllocatable: enforced, cgroupsPerQos, systemReservedCgroup, kubeReservedCgroup } = settings
  const groups = { system: systemReservedCgroup, kube: kubeReservedCgroup }
  for (const of of ['system', 'kube'] as const) {
    const word = enforced.find(each => each.startsWith(`${of}-reserved`))
    if (!word) continue
    if (!groups[of]) return `--enforce-node-allocatable ${word} needs --${of}-reserved-cgroup, the group to be bounded`
    if (cgroupsPerQos === 'false') return `--enforce-node-allocatable ${word} needs --cgroups-per-qos true`
  }
  if (settings.reservedCpus && (systemReservedCgroup || kubeReservedCgroup))
    return '--reserved-cpus cannot be together with --system-reserved-cgroup or --kube-reserved-cgroup'
  return undefined
}

/** @returns undefined when the runtime shall choose */
export function cgroupOptions(settings: CgroupChoices, reservations: Reservations): CgroupSettings | undefined {
  if (settings.cgroupsPerQos === 'false') return undefined
  const { cgroupRoot: root, podMaxPids, qosReservedMemoryPercent: reservedMemoryPercent } = settings
  return {
    root,
    enforceAllocatable: settings.enforceNodeAllocatable.includes('pods'),
    reservedGroups: reservedGroups(settings, reservations),
    reservedMemoryPercent,
    cpuQuotas: settings.cpuCfsQuota === 'true',
    ...(podMaxPids > 0 ? { podPidsLimit: podMaxPids } : {}),
  }
}
