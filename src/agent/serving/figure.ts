import type { ObservedContainer, PodUsage } from '../../runtime/runtime.ts'
import type { GroupCounters } from '../cgroup/group-counters.ts'
import type { GroupLimits } from '../cgroup/group-limits.ts'
import type { PressureOf } from '../cgroup/pressure.ts'
import type { ProcessCounts } from './container-processes.ts'
import type { DiskUse } from './machine-disks.ts'
import type { InterfaceCounters } from './pod-network.ts'

/** A container, a pod's sandbox, a pod or a group of pods, with what is known of it from all sides. */
export interface Shown {
  counters: GroupCounters
  pressure: PressureOf
  /** Wall time of the look. */
  atMs: number
  /** Wall time. */
  startedAtMs?: number | undefined
  /** What it is held to. */
  bounds?: GroupLimits | undefined
  /** Of a container only. */
  usage?: PodUsage['containers'][number] | undefined
  observed?: ObservedContainer | undefined
  processes?: ProcessCounts | undefined
  /** Of sandboxes, whose network their containers share, and of the machine. */
  interfaces?: readonly InterfaceCounters[]
  /** Of the machine, and the part of one that a container has written. */
  disks?: readonly DiskUse[]
  /** Names of block devices: `8:0` is `/dev/sda`. */
  devices: ReadonlyMap<string, string>
}

export type Value = number | undefined
/** With labels of its own, such as `device="/dev/sda"`. */
export type Labelled = { labels: string; value: Value }

export interface Figure {
  name: string
  type: 'counter' | 'gauge'
  help: string
  of(shown: Shown): Value | Labelled[]
}

export const counter = (name: string, help: string, of: Figure['of']): Figure => ({ name, type: 'counter', help, of })
export const gauge = (name: string, help: string, of: Figure['of']): Figure => ({ name, type: 'gauge', help, of })
