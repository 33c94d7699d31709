import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import { mostAtOnce } from '../pod/most-at-once.ts'
import { type Hint, hintsOf } from './hints.ts'
import type { TopologyPolicy } from './merge.ts'
import { maskOf, type Numa, readNuma, subsetsOf } from './numa.ts'
import { TopologyManager, type TopologyProvider, TopologyUnknown } from './topology-manager.ts'

const numa: Numa = { nodes: [0, 1], distances: new Map(), nodeOfCpu: new Map() }

/** A shelf of things, so many near each node, of which a container may want some. */
class Shelf implements TopologyProvider {
  readonly given: string[] = []
  readonly #free: number[]
  readonly #all: number[]
  readonly #name: string

  constructor(name: string, ...free: number[]) {
    this.#name = name
    this.#all = [...free]
    this.#free = free
  }

  #wanted = (container: Container) => Number(container.resources?.limits?.[this.#name] ?? 0)
  #pieces = (counts: readonly number[]) => counts.flatMap((count, node) => Array(count).fill({ nodes: [node] }))

  hints(of: Pod, containers: readonly Container[]) {
    const count = mostAtOnce(of, containers, this.#wanted)
    if (!count) return undefined
    const [all, free] = [this.#pieces(this.#all), this.#pieces(this.#free)]
    return { [this.#name]: hintsOf({ nodes: numa.nodes, all, free, count }) }
  }

  give(_: Pod, container: Container, nodes = 3) {
    let missing = this.#wanted(container)
    if (!missing) return undefined
    for (const node of [...numa.nodes.filter(near => nodes & (1 << near)), ...numa.nodes])
      for (; missing && this.#free[node]; missing--) {
        this.#free[node]!--
        this.given.push(`${container.name} ${node}`)
      }
    return missing ? { reason: 'UnexpectedAdmissionError', message: `${missing} short` } : undefined
  }

  release() {
    this.given.push('back')
  }
}

const container = (name: string, limits: Record<string, string>): Container => ({ name, resources: { limits } })
const pod = (...containers: Container[]) => ({ metadata: { name: 'p', uid: 'p' }, spec: { containers } }) as Pod
const admit = (policy: TopologyPolicy, scope: 'container' | 'pod', shelves: Shelf[], of: Pod) =>
  new TopologyManager({ policy, scope }, numa, shelves).admit(of)

const refused = {
  reason: 'TopologyAffinityError',
  message: 'Pod was rejected: Resources cannot be allocated with Topology locality',
}

describe('a container', () => {
  const one = pod(container('a', { cpu: '2', gpu: '1' }))

  it('gets what it asks for from the node that has all of it', () => {
    const [cpu, gpu] = [new Shelf('cpu', 4, 4), new Shelf('gpu', 0, 1)]
    expect(admit('single-numa-node', 'container', [cpu, gpu], one)).toBeUndefined()
    expect([cpu.given, gpu.given]).toEqual([['a 1', 'a 1'], ['a 1']])
  })

  it('is refused when no node has, unless best effort will do', () => {
    const shelves = () => [new Shelf('cpu', 4, 1), new Shelf('gpu', 0, 1)]
    expect(admit('single-numa-node', 'container', shelves(), one)).toEqual(refused)
    expect(admit('restricted', 'container', shelves(), one)).toEqual(refused)
    const [cpu, gpu] = shelves() as [Shelf, Shelf]
    expect(admit('best-effort', 'container', [cpu, gpu], one)).toBeUndefined()
    expect([cpu.given, gpu.given]).toEqual([['a 0', 'a 0'], ['a 1']])
  })

  it('that needs more than one node has is taken by restricted, not by single-numa-node', () => {
    const large = pod(container('a', { cpu: '6' }))
    expect(admit('restricted', 'container', [new Shelf('cpu', 4, 4)], large)).toBeUndefined()
    expect(admit('single-numa-node', 'container', [new Shelf('cpu', 4, 4)], large)).toEqual(refused)
  })
})

describe('the containers of a pod', () => {
  const two = pod(container('a', { cpu: '3' }), container('b', { cpu: '3' }))

  it('are placed each by itself, or all together', () => {
    const each = new Shelf('cpu', 4, 4)
    expect(admit('single-numa-node', 'container', [each], two)).toBeUndefined()
    expect(each.given).toEqual(['a 0', 'a 0', 'a 0', 'b 1', 'b 1', 'b 1'])
    expect(admit('single-numa-node', 'pod', [new Shelf('cpu', 4, 4)], two)).toEqual(refused)
  })

  it('lose what the first were given when a later one is refused', () => {
    const cpu = new Shelf('cpu', 4, 2)
    expect(admit('single-numa-node', 'container', [cpu], two)).toEqual(refused)
    expect(cpu.given).toEqual(['a 0', 'a 0', 'a 0', 'back'])
  })
})

it('a machine with more nodes than are allowed, or without distances, is told of', () => {
  const nodes = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const settings = { policy: 'restricted', scope: 'pod' } as const
  expect(() => new TopologyManager(settings, { ...numa, nodes }, [])).toThrow(TopologyUnknown)
  expect(() => new TopologyManager({ ...settings, mostNodes: 9 }, { ...numa, nodes }, [])).not.toThrow()
  expect(() => new TopologyManager({ ...settings, preferClosest: true }, numa, [])).toThrow('how far')
})

it('ways are all sets with enough that is free, and the smallest that could be are preferred', () => {
  const pieces = (...nodes: number[]) => nodes.map(node => ({ nodes: [node] }))
  const ways = (free: number[], count: number): Hint[] =>
    hintsOf({ nodes: [0, 1], all: pieces(0, 0, 1, 1), free: pieces(...free), count })
  expect(ways([0, 0, 1, 1], 2)).toEqual([
    { nodes: 1, preferred: true },
    { nodes: 2, preferred: true },
    { nodes: 3, preferred: false },
  ])
  // Both nodes would do, but one could have done if nothing were given away.
  expect(ways([0, 1], 2)).toEqual([{ nodes: 3, preferred: false }])
  expect(ways([0, 0, 1], 3)).toEqual([{ nodes: 3, preferred: true }])
  expect(ways([0], 2)).toEqual([])
  expect([...subsetsOf([0, 2, 3])]).toEqual([[0], [2], [3], [0, 2], [0, 3], [2, 3], [0, 2, 3]].map(maskOf))
})

describe('what the kernel tells of NUMA', () => {
  const disk = (files: Record<string, string>) => ({
    readText: async (path: string) => files[path] ?? Promise.reject(new Error('not there')),
  })
  const folder = '/sys/devices/system/node'

  it('is its nodes, their processors and how far they are apart', async () => {
    const files = {
      [`${folder}/online`]: '0-1\n',
      [`${folder}/node0/cpulist`]: '0,2\n',
      [`${folder}/node1/cpulist`]: '1,3\n',
      [`${folder}/node0/distance`]: '10 21\n',
      [`${folder}/node1/distance`]: '21 10\n',
    }
    expect(await readNuma(disk(files))).toEqual({
      nodes: [0, 1],
      distances: new Map([
        [0, [10, 21]],
        [1, [21, 10]],
      ]),
      nodeOfCpu: new Map([
        [0, 0],
        [2, 0],
        [1, 1],
        [3, 1],
      ]),
    })
  })

  it('is one node with all processors where it knows no NUMA', async () => {
    const one = await readNuma(disk({ '/sys/devices/system/cpu/online': '0-1\n' }))
    expect(one).toEqual({
      nodes: [0],
      distances: new Map(),
      nodeOfCpu: new Map([
        [0, 0],
        [1, 0],
      ]),
    })
  })
})

it('counts what is asked, what is refused, and what came from one node', async () => {
  const [metrics, clock] = [new AgentMetrics(), new VirtualClock()]
  const told = { metrics, clock }
  const policy = { policy: 'single-numa-node', scope: 'container' } as const
  const place = (...free: number[]) => new TopologyManager(policy, numa, [new Shelf('cpu', ...free)], told)
  expect(place(2, 0).admit(pod(container('a', { cpu: '1' }), container('b', { cpu: '1' })))).toBeUndefined()
  expect(place(1, 1).admit(pod(container('a', { cpu: '2' })))).toEqual(refused)
  const all = await Promise.all(metrics.families.map(family => family.get()))
  const counted = all.flatMap(({ name, values }) =>
    /topology_manager.*(requests|errors)|aligned/.test(name)
      ? values.map(v => ({ name, ...v.labels, n: v.value }))
      : [],
  )
  expect(counted).toEqual([
    { name: 'kubelet_topology_manager_admission_requests_total', n: 2 },
    { name: 'kubelet_topology_manager_admission_errors_total', n: 1 },
    { name: 'kubelet_container_aligned_compute_resources_count', scope: 'container', boundary: 'numa_node', n: 2 },
  ])
})
