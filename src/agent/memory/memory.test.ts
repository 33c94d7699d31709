import { describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { type Numa, subsetsOf } from '../topology/numa.ts'
import { TopologyManager } from '../topology/topology-manager.ts'
import { MemoryManager, type MemoryManagerOptions } from './memory-manager.ts'
import { type Block, machineState, memoryHints } from './memory-tables.ts'
import { readMemoryZones } from './memory-zones.ts'
import { reservedByNode } from './reserved-memory.ts'

const mebibyte = 2 ** 20
const container = (name: string, memory: string, more: Record<string, string> = {}, extra: object = {}): Container => {
  const amounts = { cpu: '1', memory, ...more }
  return { name, resources: { limits: amounts, requests: amounts }, ...extra }
}
const podOf = (uid: string, containers: Container[], initContainers: Container[] = []): Pod =>
  ({ metadata: { name: uid, uid }, spec: { containers, initContainers } }) as unknown as Pod
const pod = (uid: string, memory: string) => podOf(uid, [container('main', memory)])
const main = ({ spec }: Pod) => spec.containers[0]!

const node = '/sys/devices/system/node'
/** Two NUMA nodes of 1024 MiB, the second with 128 MiB of it as huge pages. */
const files: Record<string, string> = {
  [`${node}/node0/meminfo`]: 'Node 0 MemTotal:        1048576 kB\nNode 0 MemFree: 5 kB\n',
  [`${node}/node1/meminfo`]: 'Node 1 MemTotal:        1048576 kB\n',
  [`${node}/node0/hugepages/hugepages-2048kB/nr_hugepages`]: '0\n',
  [`${node}/node1/hugepages/hugepages-2048kB/nr_hugepages`]: '64\n',
}
const diskOf = (kept: Record<string, string>) => ({
  ...systemDisk,
  readText: async (path: string) =>
    files[path] ?? kept[path] ?? Promise.reject(Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' })),
  write: async (path: string, text: string | Uint8Array) => void (kept[path] = String(text)),
  list: async (path: string) =>
    /node[01]\/hugepages$/.test(path) ? [{ name: 'hugepages-2048kB', type: 'folder' as const }] : [],
})
const numa: Numa = { nodes: [0, 1], distances: new Map(), nodeOfCpu: new Map() }
const open = (kept: Record<string, string> = {}, more: Partial<MemoryManagerOptions> = {}) =>
  MemoryManager.open({
    ...{ disk: diskOf(kept) as never, log: silentLogger, folder: '/node', numa },
    reservedMemory: [{ numaNode: 0, limits: { memory: '224Mi' } }],
    kept: { cpu: '100m', memory: '224Mi' },
    ...more,
  })

it('the memory of NUMA nodes and their huge pages are read from the kernel, or those of the whole machine', async () => {
  expect(await readMemoryZones(diskOf({}) as never, [0, 1])).toEqual(
    new Map([
      [0, { memory: 1024 * mebibyte, 'hugepages-2Mi': 0 }],
      [1, { memory: 1024 * mebibyte, 'hugepages-2Mi': 128 * mebibyte }],
    ]),
  )
  const without = {
    readText: async (path: string) => (path === '/proc/meminfo' ? 'MemTotal:  2048 kB\n' : Promise.reject(new Error())),
    list: async () => Promise.reject(new Error()),
  }
  expect(await readMemoryZones(without as never, [0])).toEqual(new Map([[0, { memory: 2 * mebibyte }]]))
})

describe('what NUMA nodes keep for the system', () => {
  const zones = new Map([
    [0, { memory: 1024 * mebibyte }],
    [1, { memory: 1024 * mebibyte }],
  ])
  const reserve = (...amounts: string[]) => amounts.map((memory, numaNode) => ({ numaNode, limits: { memory } }))

  it('is in bytes', () => {
    expect(reservedByNode(reserve('100Mi', '256Mi'), zones, { memory: '356Mi', cpu: '1' })).toEqual(
      new Map([
        [0, { memory: 100 * mebibyte }],
        [1, { memory: 256 * mebibyte }],
      ]),
    )
  })

  it.each([
    ['is what is kept of the machine', reserve('1Gi'), { memory: '356Mi' }, /keeps 1Gi of memory .* but 356Mi is what/],
    ['is something, where the machine keeps some', [], { memory: '356Mi' }, /keeps 0 of memory .* but 356Mi/],
    ['is of a node that is there', [{ numaNode: 2, limits: { memory: '1Mi' } }], {}, /names NUMA node 2/],
    [
      'is of what the node has',
      reserve('1Gi', '2Gi'),
      { memory: '3Gi' },
      /keeps 2147483648 bytes of memory on NUMA node 1, which has 1073741824/,
    ],
    [
      'huge pages too',
      [{ numaNode: 0, limits: { 'hugepages-2Mi': '2Mi' } }],
      { memory: '0' },
      /bytes of hugepages-2Mi on NUMA node 0, which has 0/,
    ],
  ])('%s', (_, reserved, kept, message) => expect(() => reservedByNode(reserved, zones, kept)).toThrow(message))
})

describe('ways to serve', () => {
  const zones = new Map([0, 1, 2].map(n => [n, { memory: 100 }]))
  const ways = (blocks: Block[], memory: number, reusable = (_: number) => 0) =>
    memoryHints(machineState(zones, new Map(), blocks), subsetsOf([0, 1, 2]), { memory }, reusable).map(
      ({ nodes, preferred }) => `${nodes.toString(2).padStart(3, '0')}${preferred ? '!' : ''}`,
    )
  const block = (size: number, ...numaAffinity: number[]): Block => ({ type: 'memory', size, numaAffinity })

  it.each<[string, Block[], number, string[]]>([
    ['every set of nodes, the smallest preferred', [], 60, ['001!', '010!', '100!', '011', '101', '110', '111']],
    ['a node that serves by itself is in no group', [block(10, 0)], 60, ['001!', '010!', '100!', '110']],
    ['a node of a group serves only that', [block(150, 0, 1)], 40, ['100!', '011']],
    ['what is full is no way', [block(100, 0)], 1, ['010!', '100!', '110']],
    ['more than one has', [], 150, ['011!', '101!', '110!', '111']],
    ['preferred is what could have done if nothing were given', [block(1, 0), block(1, 1), block(1, 2)], 100, []],
    ['more than there is', [], 301, []],
  ])('%s', (_, blocks, bytes, expected) => expect(ways(blocks, bytes)).toEqual(expected))

  it('count what an init container leaves to its pod on the same nodes', () => {
    expect(ways([block(100, 0)], 90, mask => (mask === 1 ? 95 : 0))).toEqual(['001!', '010!', '100!', '110'])
  })
})

describe('the static policy', () => {
  it('gives memory of one node while that will do, then of both, and takes it back', async () => {
    const kept: Record<string, string> = {}
    const manager = await open(kept)
    expect([manager.admit(pod('a', '500Mi')), manager.nodesOf('a', 'main')]).toEqual([undefined, [0]])
    expect([manager.admit(pod('b', '500Mi')), manager.nodesOf('b', 'main')]).toEqual([undefined, [1]])
    // Neither has so much, and a node that serves by itself does not serve in a group.
    expect(manager.admit(pod('c', '600Mi'))).toEqual({
      reason: 'UnexpectedAdmissionError',
      message:
        'Pod was rejected: Allocate failed due to [memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available, which is unexpected',
    })
    manager.release('a')
    manager.release('b')
    expect([manager.admit(pod('d', '1Gi')), manager.nodesOf('d', 'main')]).toEqual([undefined, [0, 1]])
    await new Promise(resolve => setImmediate(resolve))
    expect(JSON.parse(kept['/node/memory_manager_state']!)).toMatchObject({
      policyName: 'Static',
      machineState: {
        0: {
          numberOfAssignments: 1,
          cells: [0, 1],
          memoryMap: {
            memory: { total: 1024 * mebibyte, systemReserved: 224 * mebibyte, allocatable: 800 * mebibyte, free: 0 },
          },
        },
        1: { memoryMap: { memory: { allocatable: 896 * mebibyte, reserved: 224 * mebibyte, free: 672 * mebibyte } } },
      },
      entries: { d: { main: [{ numaAffinity: [0, 1], type: 'memory', size: 1024 * mebibyte }] } },
    })
  })

  it('has no say about pods that are not Guaranteed', async () => {
    const manager = await open()
    const burstable = podOf('b', [{ name: 'main', resources: { requests: { memory: '5Gi' } } }])
    expect([manager.admit(burstable), manager.hints(burstable, burstable.spec.containers)]).toEqual([
      undefined,
      undefined,
    ])
    expect(manager.nodesOf('b', 'main')).toEqual([])
  })

  it('huge pages and memory come from the same nodes', async () => {
    const manager = await open()
    const huge = podOf('h', [container('main', '10Mi', { 'hugepages-2Mi': '64Mi' })])
    const ways = [
      { nodes: 2, preferred: true },
      { nodes: 3, preferred: false },
    ]
    expect(manager.hints(huge, huge.spec.containers)).toEqual({ memory: ways, 'hugepages-2Mi': ways })
    expect([manager.admit(huge), manager.nodesOf('h', 'main')]).toEqual([undefined, [1]])
    expect(manager.allocatable).toEqual([
      { numaAffinity: [0], type: 'memory', size: 800 * mebibyte },
      { numaAffinity: [1], type: 'memory', size: 896 * mebibyte },
      { numaAffinity: [1], type: 'hugepages-2Mi', size: 128 * mebibyte },
    ])
  })

  it('what an init container had goes on to the others, a sidecar’s does not', async () => {
    const manager = await open()
    const side = container('side', '100Mi', {}, { restartPolicy: 'Always' })
    const of = podOf('p', [container('app', '500Mi'), container('other', '50Mi')], [side, container('init', '700Mi')])
    expect(manager.hints(of, [...of.spec.initContainers!, ...of.spec.containers])).toMatchObject({
      memory: [{ nodes: 1 }, { nodes: 2 }, { nodes: 3 }],
    })
    expect(manager.admit(of)).toBeUndefined()
    const sizes = ['side', 'init', 'app', 'other'].map(name => manager.blocksOf('p', name)[0]!.size / mebibyte)
    expect(sizes).toEqual([100, 150, 500, 50])
    expect(manager.nodesOf('p', 'init')).toEqual([0])
  })

  it('more nodes are taken where those in common with others are not enough', async () => {
    const manager = await open()
    const large = pod('l', '1Gi')
    expect([manager.give(large, main(large), 1), manager.nodesOf('l', 'main')]).toEqual([undefined, [0, 1]])
    expect(manager.give(pod('s', '2Gi'), main(pod('s', '2Gi')), 1)?.message).toContain(
      'failed to find NUMA nodes to extend',
    )
  })

  it('is placed beside processors by the topology manager, which refuses what is not near', async () => {
    const manager = await open()
    manager.admit(pod('first', '700Mi'))
    const cpus = (...nodes: number[]) => ({
      hints: () => ({ cpu: nodes.map(n => ({ nodes: 1 << n, preferred: true })) }),
      give: () => undefined,
      release: () => {},
    })
    const place = (of: Pod, ...nodes: number[]) =>
      new TopologyManager({ policy: 'single-numa-node', scope: 'container' }, numa, [cpus(...nodes), manager]).admit(of)
    expect(place(pod('far', '500Mi'), 0)?.reason).toBe('TopologyAffinityError')
    expect(manager.nodesOf('far', 'main')).toEqual([])
    expect([place(pod('near', '500Mi'), 0, 1), manager.nodesOf('near', 'main')]).toEqual([undefined, [1]])
  })

  it('remembers over a restart of the agent, until a pod is no more; what is on no node is told of and forgotten', async () => {
    const kept: Record<string, string> = {}
    const before = await open(kept)
    before.admit(pod('a', '700Mi'))
    before.admit(pod('b', '800Mi'))
    await new Promise(resolve => setImmediate(resolve))
    const state = JSON.parse(kept['/node/memory_manager_state']!)
    state.entries.lost = { main: [{ numaAffinity: [7], type: 'memory', size: 1 }] }
    kept['/node/memory_manager_state'] = JSON.stringify(state)
    const after = await open(kept)
    expect([after.nodesOf('a', 'main'), after.nodesOf('b', 'main'), after.nodesOf('lost', 'main')]).toEqual([
      [0],
      [1],
      [],
    ])
    expect(after.admit(pod('a', '700Mi'))).toBeUndefined()
    expect(after.hints(pod('b', '800Mi'), [container('main', '800Mi')])).toEqual({
      memory: [{ nodes: 2, preferred: true }],
    })
    expect(after.admit(pod('c', '700Mi'))).toBeDefined()
    after.keepOnly(new Set(['b']))
    expect([after.admit(pod('c', '700Mi')), after.nodesOf('c', 'main')]).toEqual([undefined, [0]])
  })

  it('begins anew when its file cannot be read', async () => {
    const manager = await open({ '/node/memory_manager_state': '{' })
    expect([manager.admit(pod('a', '700Mi')), manager.nodesOf('a', 'main')]).toEqual([undefined, [0]])
  })
})
