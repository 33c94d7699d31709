import { describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { Numa } from '../topology/numa.ts'
import { chooseCpus, exclusiveCpus, spreadCpus } from './assignment.ts'
import { cpuListText, parseCpuList } from './cpu-list.ts'
import { CpuManager, type CpuManagerOptions } from './cpu-manager.ts'

const pod = (name: string, cpu: string, memory = '1Mi'): Pod => {
  const resources = { limits: { cpu, memory }, requests: { cpu, memory } }
  return { metadata: { name, uid: name }, spec: { containers: [{ name: 'main', resources }] } } as unknown as Pod
}
const main = (p: Pod) => p.spec.containers[0] as Container

describe('lists of processors', () => {
  it.each([
    ['0', [0]],
    ['0-2,5,7-8', [0, 1, 2, 5, 7, 8]],
    ['', []],
  ])('%j', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus)
    expect(cpuListText(cpus)).toBe(text)
  })
})

describe('processors for one container alone', () => {
  it('are for whole numbers in Guaranteed pods', () => {
    expect([pod('a', '2'), pod('b', '1500m'), pod('c', '2000m')].map(p => exclusiveCpus(p, main(p)))).toEqual([2, 0, 2])
    const burstable = {
      ...pod('d', '2'),
      spec: { containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }] },
    }
    expect(exclusiveCpus(burstable as Pod, main(burstable as Pod))).toBe(0)
  })

  const cores = [
    [0, 4],
    [1, 5],
    [2, 6],
    [3, 7],
  ]
  it.each([
    ['whole cores first', [0, 1, 2, 3, 4, 5, 6, 7], 2, [0, 4]],
    ['and what is in use already for the rest', [1, 2, 3, 4, 5, 6, 7], 3, [1, 4, 5]],
    ['one of a core in use', [1, 2, 3, 4, 5, 6, 7], 1, [4]],
    ['all of them', [0, 1, 2, 3, 4, 5, 6, 7], 8, [0, 1, 2, 3, 4, 5, 6, 7]],
    ['more than there are', [0, 1], 3, undefined],
  ])('%s', (_, free, count, chosen) => expect(chooseCpus(new Set(free), cores, count)).toEqual(chosen))
})

// cpu_assignment.go of 1.32: sortAvailableCPUsSpread takes them by their numbers, and siblings are numbered after all first threads.
it.each([
  ['of each core one thread', [0, 1, 2, 3, 4, 5, 6, 7], 3, [0, 1, 2]],
  ['a second one where no other core is left', [0, 1, 4, 5], 3, [0, 1, 4]],
  ['of more than there are none', [0, 1], 3, undefined],
])('spread over cores: %s', (_, free, count, chosen) => {
  const cores = [0, 1, 2, 3].map(core => [core, core + 4])
  expect(spreadCpus(new Set(free), cores, count)).toEqual(chosen)
})

describe('the static policy', () => {
  const files: Record<string, string> = { '/sys/devices/system/cpu/online': '0-3\n' }
  const absent = (path: string) => Promise.reject(Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' }))
  const open = async (
    containers: object[] = [],
    numa?: Numa,
    kept: Record<string, string> = {},
    more: Partial<CpuManagerOptions> = {},
  ) => {
    const moved: string[] = []
    const manager = await CpuManager.open({
      disk: {
        ...systemDisk,
        readText: async path => files[path] ?? kept[path] ?? absent(path),
        write: async (path, text) => void (kept[path] = String(text)),
      },
      folder: '/node',
      runtime: {
        updateResources: async (id: string, { cpusetCpus }: any) => void moved.push(`${id} ${cpusetCpus}`),
      } as never,
      view: { all: () => [{ uid: 'old', containers }] } as never,
      log: silentLogger,
      reservedCpu: '100m',
      ...(numa ? { numa } : {}),
      ...more,
    })
    return { manager, moved }
  }
  const shared = { id: 's', name: 'shared', state: 'running', annotations: {} }

  it('gives processors, moves the others off them, and takes them back', async () => {
    const { manager, moved } = await open([shared])
    const two = pod('two', '2')
    expect(manager.admit(two)).toBeUndefined()
    expect(manager.cpusOf(two, main(two))).toEqual({ cpus: '1-2', own: true })
    const small = pod('small', '500m')
    expect(manager.cpusOf(small, main(small))).toEqual({ cpus: '0,3', own: false })
    expect(manager.admit(pod('more', '2'))).toEqual({
      reason: 'UnexpectedAdmissionError',
      message:
        'Pod was rejected: Allocate failed due to not enough cpus available to satisfy request: requested=2, available=1, which is unexpected',
    })
    manager.release('two')
    expect(manager.cpusOf(small, main(small)).cpus).toBe('0-3')
    await new Promise(resolve => setImmediate(resolve))
    expect(moved).toEqual(['s 0-3', 's 0-3'])
  })

  it('gives processors of the wanted NUMA node first, and tells from which nodes it could', async () => {
    const nodeOfCpu = new Map([
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 1],
    ])
    const { manager } = await open([], { nodes: [0, 1], distances: new Map(), nodeOfCpu })
    const two = pod('two', '2')
    // The first is kept for the system: only the second node has two.
    const ways = [
      { nodes: 2, preferred: true },
      { nodes: 3, preferred: false },
    ]
    expect(manager.hints(two, two.spec.containers)).toEqual({ cpu: ways })
    expect(manager.give(two, main(two), 2)).toBeUndefined()
    expect(manager.cpusOf(two, main(two)).cpus).toBe('2-3')
    expect(manager.hints(two, two.spec.containers)).toEqual({ cpu: ways })
    const one = pod('one', '1')
    expect(manager.hints(one, one.spec.containers)).toEqual({
      cpu: [
        { nodes: 1, preferred: true },
        { nodes: 3, preferred: false },
      ],
    })
    manager.give(one, main(one), 2)
    expect(manager.cpusOf(one, main(one)).cpus).toBe('1')
    const small = pod('small', '500m')
    expect(manager.hints(small, small.spec.containers)).toBeUndefined()
  })

  it('what an init container had goes on to the main ones; a sidecar keeps its own', async () => {
    const { manager } = await open()
    const whole = (name: string, cpu: string, more = {}) => ({ ...main(pod(name, cpu)), name, ...more })
    const spec = {
      initContainers: [whole('side', '1', { restartPolicy: 'Always' }), whole('first', '2'), whole('second', '1')],
      containers: [whole('app', '1'), whole('other', '1')],
    }
    const all = { metadata: { name: 'p', uid: 'p' }, spec } as unknown as Pod
    expect(manager.admit(all)).toBeUndefined()
    const had = [...spec.initContainers, ...spec.containers].map(one => manager.cpusOf(all, one as Container).cpus)
    expect(had).toEqual(['1', '2-3', '2', '2', '3'])
    expect(manager.counts).toEqual({ exclusive: 3, free: 0 })
    expect(manager.admit(pod('more', '1'))?.reason).toBe('UnexpectedAdmissionError')
    manager.release('p')
    expect(manager.counts).toEqual({ exclusive: 0, free: 3 })
  })

  it('remembers over a restart of the agent what ended init containers had, until their pod is no more', async () => {
    const kept: Record<string, string> = {}
    const whole = (name: string, cpu: string) => ({ ...main(pod(name, cpu)), name })
    const spec = { initContainers: [whole('first', '2')], containers: [whole('app', '1')] }
    const one = { metadata: { name: 'p', uid: 'p' }, spec } as unknown as Pod
    const before = await open([], undefined, kept)
    expect(before.manager.admit(one)).toBeUndefined()
    await new Promise(resolve => setImmediate(resolve))
    expect(JSON.parse(kept['/node/cpu_manager_state']!)).toEqual({
      policyName: 'static',
      defaultCpuSet: '0,3',
      entries: { p: { first: '1-2', app: '1' } },
    })
    // Of the two containers only the main one is still there.
    const app = { ...shared, name: 'app', annotations: { 'optiflow.dev/cpus': '1' } }
    const { manager } = await open([app], undefined, kept)
    expect(manager.admit(one)).toBeUndefined()
    expect(manager.cpusOf(one, spec.initContainers[0] as Container)).toEqual({ cpus: '1-2', own: true })
    expect(manager.admit(pod('greedy', '2'))?.reason).toBe('UnexpectedAdmissionError')
    manager.keepOnly(new Set(['old']))
    expect(manager.counts).toEqual({ exclusive: 1, free: 2 })
  })

  it('gives whole cores only, if it is told to, and none of those that are kept by name', async () => {
    const siblings = Object.fromEntries(
      ['0,2', '1,3', '0,2', '1,3'].map((text, cpu) => [
        `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`,
        text,
      ]),
    )
    const { manager } = await open([], undefined, siblings, { fullCoresOnly: true, reservedCpus: [2] })
    expect(manager.admit(pod('half', '1'))).toEqual({
      reason: 'SMTAlignmentError',
      message: 'Pod was rejected: SMT Alignment Error: requested 1 cpus not multiple cpus per core = 2',
    })
    const two = pod('two', '2')
    expect(manager.admit(two)).toBeUndefined()
    expect(manager.cpusOf(two, main(two)).cpus).toBe('1,3')
    expect(manager.admit(pod('more', '2'))?.message).toContain(
      'not enough free physical CPUs: available physical CPUs = 0, requested CPUs = 2, CPUs per core = 2',
    )
    expect(manager.allocatable).toEqual([0, 1, 3])
    await expect(open([], undefined, {}, { reservedCpus: [1, 7] })).rejects.toThrow('processors 7 are to be reserved')
  })

  it('keeps those that share off what is reserved, too, if it is told to', async () => {
    const { manager } = await open([], undefined, {}, { reservedCpus: [0, 1], strictReservation: true })
    const small = pod('small', '500m')
    const cpusOfSmall = () => manager.cpusOf(small, main(small)).cpus
    expect(cpusOfSmall()).toBe('2-3')
    manager.admit(pod('one', '1'))
    expect(cpusOfSmall()).toBe('3')
    // A runtime takes an empty list for all.
    manager.admit(pod('another', '1'))
    expect(cpusOfSmall()).toBe('0-1')
    expect(manager.counts).toEqual({ exclusive: 2, free: 0 })
  })

  it('goes by the running containers when the file cannot be read', async () => {
    const own = { ...shared, name: 'main', annotations: { 'optiflow.dev/cpus': '1' } }
    const { manager } = await open([own], undefined, { '/node/cpu_manager_state': '{' })
    expect(manager.cpusOf(pod('old', '1'), main(pod('old', '1'))).cpus).toBe('1')
  })

  it('knows from the containers what an agent before gave', async () => {
    const { manager } = await open([{ ...shared, name: 'main', annotations: { 'optiflow.dev/cpus': '1' } }])
    const next = pod('next', '1')
    manager.admit(next)
    expect(manager.cpusOf(next, main(next)).cpus).toBe('2')
    expect(manager.cpusOf(pod('old', '1'), main(next)).cpus).toBe('1')
  })
})
