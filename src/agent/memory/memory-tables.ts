import { countOf, maskOf, type NodeMask } from '../topology/numa.ts'
import type { MemoryAmounts, MemoryZones } from './memory-zones.ts'

// The fields are named as in the state file of a kubelet, which people read.

/** Memory of one kind that a container has, from these NUMA nodes together. */
export interface Block {
  numaAffinity: number[]
  type: string
  /** Bytes. Of an init container: without what its successors have taken over. */
  size: number
}

/** Of one NUMA node and one kind of memory, in bytes. */
export interface MemoryTable {
  total: number
  systemReserved: number
  allocatable: number
  reserved: number
  free: number
}

export interface ZoneState {
  /** Blocks that have something of it. */
  numberOfAssignments: number
  memoryMap: Record<string, MemoryTable>
  /** The nodes that it serves together with; itself alone unless a block is spread. */
  cells: number[]
}

export type MachineState = ReadonlyMap<number, ZoneState>

/** What each NUMA node has left when these blocks are given. Pure. */
export function machineState(
  zones: MemoryZones,
  reserved: ReadonlyMap<number, MemoryAmounts>,
  blocks: Iterable<Block>,
): MachineState {
  const out = new Map<number, ZoneState>()
  for (const [node, has] of zones) out.set(node, emptyZone(node, has, reserved.get(node) ?? {}))
  for (const block of blocks) take(out, block)
  return out
}

function emptyZone(node: number, has: MemoryAmounts, reserved: MemoryAmounts): ZoneState {
  const huge = Object.entries(has).filter(([type]) => type !== 'memory')
  const asHugePages = huge.reduce((sum, [, bytes]) => sum + bytes, 0)
  const memoryMap: Record<string, MemoryTable> = {}
  for (const [type, total] of Object.entries(has)) {
    const systemReserved = reserved[type] ?? 0
    const allocatable = Math.max(0, total - systemReserved - (type === 'memory' ? asHugePages : 0))
    memoryMap[type] = { total, systemReserved, allocatable, reserved: 0, free: allocatable }
  }
  return { numberOfAssignments: 0, memoryMap, cells: [node] }
}

/** The first nodes give all they have before the next give anything. */
function take(state: ReadonlyMap<number, ZoneState>, { numaAffinity, type, size }: Block): void {
  let missing = size
  for (const node of numaAffinity) {
    const zone = state.get(node)!
    zone.numberOfAssignments++
    zone.cells = [...numaAffinity]
    const table = zone.memoryMap[type]!
    const taken = Math.min(table.free, missing)
    table.free -= taken
    table.reserved += taken
    missing -= taken
  }
}

/** A way to serve a container, and whether fewer nodes would never do. */
export interface MemoryHint {
  nodes: NodeMask
  preferred: boolean
}

/**
 * All sets of nodes that have so much left. A node serves either alone or always in the same group: else what is spread would
 * take from what is not, and pages be had from a node on which there are none left. Pure.
 * @param subsets of the nodes, the smallest first
 * @param reusable what a container may take over of the same pod, if it is served from the same nodes
 * @see https://kubernetes.io/docs/tasks/administer-cluster/memory-manager/
 */
export function memoryHints(
  state: MachineState,
  subsets: Iterable<NodeMask>,
  wanted: MemoryAmounts,
  reusable: (nodes: NodeMask, type: string) => number,
): MemoryHint[] {
  let fewest = state.size
  const enough: NodeMask[] = []
  for (const mask of subsets) {
    const zones = zonesIn(state, mask)
    if (!has(zones, wanted, 'allocatable')) continue
    fewest = Math.min(fewest, zones.length)
    if (isApart(zones, mask)) continue
    const left = Object.entries(wanted).map(([type, bytes]) => [type, bytes - reusable(mask, type)] as const)
    if (has(zones, Object.fromEntries(left), 'free')) enough.push(mask)
  }
  return enough.map(nodes => ({ nodes, preferred: countOf(nodes) === fewest }))
}

const zonesIn = (state: MachineState, mask: NodeMask): ZoneState[] =>
  [...state].flatMap(([node, zone]) => (mask & (1 << node) ? [zone] : []))

/** Whether these nodes have so much of everything together. */
const has = (zones: readonly ZoneState[], wanted: MemoryAmounts, what: 'allocatable' | 'free'): boolean =>
  Object.entries(wanted).every(
    ([type, bytes]) => zones.reduce((sum, zone) => sum + (zone.memoryMap[type]?.[what] ?? 0), 0) >= bytes,
  )

/** Some of them serve already, and not together with just the others. */
function isApart(zones: readonly ZoneState[], mask: NodeMask): boolean {
  if (zones.length === 1) return zones[0]!.cells.length > 1
  return zones.some(zone => zone.numberOfAssignments > 0 && maskOf(zone.cells) !== mask)
}

/** Whether these nodes have so much left by themselves. */
export const isEnough = (state: MachineState, nodes: NodeMask, wanted: MemoryAmounts): boolean =>
  has(zonesIn(state, nodes), wanted, 'free')

/** Whether several nodes would serve together although some of them do not. */
export function breaksGroups(state: MachineState, nodes: NodeMask): boolean {
  const zones = zonesIn(state, nodes)
  return zones.length > 1 && isApart(zones, nodes)
}
