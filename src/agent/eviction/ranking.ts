import { quantityOf } from '../../base/quantity.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { podRequests, units } from '../pod/resources.ts'
import { type Observations, type Starved, starvedOf, unitsOf } from './pressure.ts'
import type { Threshold } from './thresholds.ts'

/** What one container uses now. */
export interface ContainerUse {
  name: string
  memoryBytes: number
  /** Writable layer and logs. */
  diskBytes: number
}

/** What one pod uses now. */
export interface PodUse {
  memoryBytes: number
  /** Writable layers, logs and emptyDirs on the disk. */
  diskBytes: number
  inodes: number
  processes: number
  containers: ContainerUse[]
}

export interface Candidate {
  pod: Pod
  /** Undefined: it is not known, which is a reason to end it first. */
  use: PodUse | undefined
}

/** Pods in the order in which they are ended: beyond their requests first, then the less important, then the largest beyond. */
export function rank(starved: Starved, candidates: readonly Candidate[]): Candidate[] {
  const beyond = (c: Candidate) => usedOf(starved, c.use!) - requested(starved, c.pod)
  const byUnknown = (a: Candidate, b: Candidate) => Number(b.use === undefined) - Number(a.use === undefined)
  const byExcess = (a: Candidate, b: Candidate) => Number(beyond(b) > 0) - Number(beyond(a) > 0)
  const byPriority = (a: Candidate, b: Candidate) => (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0)
  return [...candidates].sort((a, b) => {
    const unknown = byUnknown(a, b)
    if (unknown || !a.use) return unknown || byPriority(a, b)
    // Nobody requests processes.
    const excess = starved === 'pids' ? 0 : byExcess(a, b)
    return excess || byPriority(a, b) || beyond(b) - beyond(a)
  })
}

function usedOf(starved: Starved, use: PodUse): number {
  switch (starved) {
    case 'memory':
      return use.memoryBytes
    case 'ephemeral-storage':
      return use.diskBytes
    case 'inodes':
      return use.inodes
    case 'pids':
      return use.processes
  }
}

const requested = (starved: Starved, pod: Pod) =>
  starved === 'memory' || starved === 'ephemeral-storage' ? (podRequests(pod.spec).get(starved) ?? 0) : 0

/** Why a pod is ended, in upstream's words. */
export function evictionMessage(threshold: Threshold, observations: Observations, { pod, use }: Candidate): string {
  const starved = starvedOf[threshold.signal]
  const observed = observations.get(threshold.signal)!
  const text = (amount: number) =>
    quantityOf(Math.round(amount), starved === 'pids' || starved === 'inodes' ? 'DecimalSI' : 'BinarySI')
  const limit = 'text' in threshold.below ? threshold.below.text : text(unitsOf(threshold.below, observed))
  let message = `The node was low on resource: ${starved}. Threshold quantity: ${limit}, available: ${text(observed.available)}. `
  if (starved !== 'memory' && starved !== 'ephemeral-storage') return message
  for (const { name, memoryBytes, diskBytes } of use?.containers ?? []) {
    const request = pod.spec.containers.find(c => c.name === name)?.resources?.requests?.[starved] ?? '0'
    const used = starved === 'memory' ? memoryBytes : diskBytes
    if (used > units(starved, request))
      message += `Container ${name} was using ${text(used)}, request is ${request}, has larger consumption of ${starved}. `
  }
  return message
}
