import { createEventRecorder, type EventRecorder } from '../../client/index.ts'
import type { AgentOptions } from '../options.ts'
import { type Machine, readMachine, simulatedMachine } from './machine.ts'

// What a node is made of by its options.

/** What the node's machine has; the agent's folder is there afterwards. */
export async function machineOf(options: AgentOptions): Promise<Machine> {
  const { nodeName, simulated, disk, folder, maxPods = 110, podsPerCore } = options
  if (simulated) return simulatedMachine(nodeName, simulated.capacity ?? {}, maxPods)
  await disk.makeFolder(folder)
  return readMachine(disk, folder, maxPods, podsPerCore)
}

/** Who writes the node's events. What people read about a start can wait until it is done, three seconds at most. */
export const recorderOf = (options: AgentOptions, busy: () => boolean): EventRecorder =>
  createEventRecorder({
    ...options,
    component: 'kubelet',
    host: options.nodeName,
    busy,
    holdMs: 3_000,
    rate: options.eventRate,
  })
