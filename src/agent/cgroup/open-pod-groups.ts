import { explain } from '../../base/errors.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Node, Pod } from '../../models/types/core-v1.ts'
import type { Machine } from '../node/machine.ts'
import { reservationOf } from '../node/reservation.ts'
import type { AgentOptions } from '../options.ts'
import { PodGroups } from './pod-groups.ts'

export interface GroupedNode {
  machine: Machine
  events: EventRecorder
  activePods(): Pod[]
  /** Resolves when the node is registered. */
  node(): Promise<Node | undefined>
}

/** The node's groups for pods, if it is to have any. Where the machine does not give them, pods run as the runtime sees fit. */
export async function openPodGroups(agent: AgentOptions, about: GroupedNode): Promise<PodGroups | undefined> {
  const { cgroups: settings, disk, clock, log, metrics } = agent
  const reserved = reservationOf(agent)
  if (!settings) return undefined
  const { activePods } = about
  const { capacity } = about.machine
  try {
    const groups = await PodGroups.open({
      ...{ settings, disk, clock, log, capacity, reserved, activePods },
      ...(metrics ? { metrics } : {}),
    })
    void enforce(groups, about)
    return groups
  } catch (error) {
    log.warn({ error: explain(error) }, 'pods have no control groups of their classes')
    return undefined
  }
}

/** What came of it is said of the node, so once it is there. */
async function enforce(groups: PodGroups, { events, node }: GroupedNode): Promise<void> {
  const problem = await groups.enforce().then(() => undefined, explain)
  const others = await groups.enforceReserved()
  const about = await node()
  if (!about) return
  if (problem === undefined)
    events.normal(about, 'NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods')
  else
    events.warning(
      about,
      'FailedNodeAllocatableEnforcement',
      `Failed to update Node Allocatable Limits "kubepods": ${problem}`,
    )
  for (const { reason, message } of others) {
    if (reason === 'NodeAllocatableEnforced') events.normal(about, reason, message)
    else events.warning(about, reason, message)
  }
}
