import type { Disk } from '../../base/disk.ts'
import { parseCpuList } from '../cpu/cpu-list.ts'

/** A set of NUMA nodes: bit n stands for node n. */
export type NodeMask = number

/** The parts of a machine whose processors have a memory of their own. */
export interface Numa {
  /** Ascending; at least one. */
  nodes: readonly number[]
  /** From each node to each of `nodes`, in the kernel's measure: 10 is one's own. Empty where it is not told. */
  distances: ReadonlyMap<number, readonly number[]>
  /** The node of each processor. */
  nodeOfCpu: ReadonlyMap<number, number>
}

export const maskOf = (nodes: Iterable<number>): NodeMask => [...nodes].reduce((mask, node) => mask | (1 << node), 0)
export const nodesIn = ({ nodes }: Pick<Numa, 'nodes'>, mask: NodeMask): number[] =>
  nodes.filter(node => mask & (1 << node))

export function countOf(mask: NodeMask): number {
  let count = 0
  for (let rest = mask; rest; rest &= rest - 1) count++
  return count
}

/** All sets of so many nodes or more, the smallest first, in the order of their numbers. */
export function* subsetsOf(nodes: readonly number[]): Iterable<NodeMask> {
  function* ofSize(size: number, from: number, mask: NodeMask): Iterable<NodeMask> {
    if (!size) yield mask
    else for (let i = from; i < nodes.length; i++) yield* ofSize(size - 1, i + 1, mask | (1 << nodes[i]!))
  }
  for (let size = 1; size <= nodes.length; size++) yield* ofSize(size, 0, 0)
}

const folder = '/sys/devices/system/node'

/** What the kernel tells. A kernel without NUMA has one node with all processors. */
export async function readNuma(disk: Pick<Disk, 'readText'>): Promise<Numa> {
  const read = (path: string) => disk.readText(path).catch(() => '')
  const told = parseCpuList(await read(`${folder}/online`))
  const nodes = told.length ? told : [0]
  const nodeOfCpu = new Map<number, number>()
  const distances = new Map<number, number[]>()
  for (const node of nodes) {
    const cpus = told.length ? `${folder}/node${node}/cpulist` : '/sys/devices/system/cpu/online'
    for (const cpu of parseCpuList(await read(cpus))) nodeOfCpu.set(cpu, node)
    const far = (await read(`${folder}/node${node}/distance`)).trim()
    if (far) distances.set(node, far.split(/\s+/).map(Number))
  }
  return { nodes, distances, nodeOfCpu }
}
