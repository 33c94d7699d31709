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
  /** `pods`: together they get no more than the node's allocatable. */
  enforceNodeAllocatable: 'pods' | 'none'
  /** Processes that one pod may have; -1: any number. */
  podMaxPids: number
  /** Percent of the memory requested by pods of the better classes that the lesser ones cannot take: 0…100. */
  qosReservedMemoryPercent: number
}

export const cgroupDefaults: CgroupChoices = {
  cgroupsPerQos: 'true',
  cgroupRoot: '/',
  cgroupDriver: 'cgroupfs',
  enforceNodeAllocatable: 'pods',
  podMaxPids: -1,
  qosReservedMemoryPercent: 0,
}

function readRoot(text: string): string {
  if (/^\/([\w.-]+(\/[\w.-]+)*)?$/.test(text) && !text.split('/').includes('..')) return text
  throw new Error('is not the path of a control group, such as / or /tenants/a')
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
  enforceNodeAllocatable: { name: 'enforce-node-allocatable', read: oneOf(['pods', 'none']) },
  podMaxPids: { name: 'pod-max-pids', read: text => wholeNumber(text, -1, 4_194_304) },
  qosReservedMemoryPercent: { name: 'qos-reserved', read: readReservedMemory },
}

/** @returns undefined when the runtime shall choose */
export function cgroupOptions(settings: CgroupChoices): CgroupSettings | undefined {
  if (settings.cgroupsPerQos === 'false') return undefined
  const { cgroupRoot: root, podMaxPids, qosReservedMemoryPercent: reservedMemoryPercent } = settings
  return {
    root,
    enforceAllocatable: settings.enforceNodeAllocatable === 'pods',
    reservedMemoryPercent,
    ...(podMaxPids > 0 ? { podPidsLimit: podMaxPids } : {}),
  }
}
