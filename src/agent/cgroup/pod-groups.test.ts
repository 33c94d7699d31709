import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import { reservationOf } from '../node/reservation.ts'
import { talliedFamily } from '../serving/text-form.ts'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { filesOf, weightOf } from './group-limits.ts'
import { Hierarchy } from './hierarchy.ts'
import { type CgroupSettings, PodGroups, removePodGroups } from './pod-groups.ts'
import { podGroup, qosGroups } from './pod-limits.ts'

const container = (resources: Container['resources'], more: Partial<Container> = {}) => ({
  name: 'main',
  resources,
  ...more,
})
const pod = (uid: string, ...containers: unknown[]) =>
  ({ metadata: { name: uid, uid }, spec: { containers: containers.length ? containers : [container({})] } }) as Pod
const sized = (cpu: string, memory: string) => container({ limits: { cpu, memory }, requests: { cpu, memory } })
const guaranteed = pod('g', sized('500m', '64Mi'))
const burstable = pod('b', container({ requests: { cpu: '250m', memory: '64Mi' }, limits: { memory: '128Mi' } }))
const bestEffort = pod('e')

describe('the group of a pod', () => {
  it('bounds what every container bounds, and weighs what they request together', () => {
    expect(podGroup(guaranteed, [], undefined)).toEqual({
      cpuShares: 512,
      cpuQuotaMicros: 50_000,
      memoryBytes: 64 * 2 ** 20,
    })
    expect(podGroup(guaranteed, [], undefined, false)).toEqual({ cpuShares: 512, memoryBytes: 64 * 2 ** 20 })
    expect(podGroup(burstable, [], 1000)).toEqual({ cpuShares: 256, memoryBytes: 128 * 2 ** 20, pids: 1000 })
    expect(podGroup(bestEffort, [], undefined)).toEqual({ cpuShares: 2 })
    expect(podGroup(pod('two', sized('1', '64Mi'), container({ limits: { cpu: '1' } })), [], undefined)).toEqual({
      cpuShares: 2048,
      cpuQuotaMicros: 200_000,
    })
  })

  it('counts init containers that are larger, and asks them for limits as well', () => {
    const withInit = (init: unknown) => ({ ...guaranteed, spec: { ...guaranteed.spec, initContainers: [init] } }) as Pod
    expect(podGroup(withInit(sized('1', '32Mi')), [], undefined)).toEqual({
      cpuShares: 1024,
      cpuQuotaMicros: 100_000,
      memoryBytes: 64 * 2 ** 20,
    })
    expect(podGroup(withInit(container({})), [], undefined)).toEqual({ cpuShares: 512 })
  })

  it('has no huge pages but those that it asks for', () => {
    const huge = pod('h', container({ limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi', cpu: '1' } }))
    const sizes = ['hugepages-2Mi', 'hugepages-1Gi']
    expect(podGroup(huge, sizes, undefined).hugepages).toEqual(
      new Map([
        ['2MB', 4 * 2 ** 20],
        ['1GB', 0],
      ]),
    )
  })
})

it('classes weigh what their pods request, and leave memory to the better ones where asked', () => {
  const pods = [guaranteed, burstable, bestEffort, { ...burstable }]
  expect(qosGroups(pods)).toEqual({ burstable: { cpuShares: 512 }, besteffort: { cpuShares: 2 } })
  expect(qosGroups([])).toEqual({ burstable: { cpuShares: 2 }, besteffort: { cpuShares: 2 } })
  expect(qosGroups(pods, { percent: 50, podsBytes: 2 ** 30 })).toEqual({
    burstable: { cpuShares: 512, memoryBytes: 2 ** 30 - 32 * 2 ** 20 },
    besteffort: { cpuShares: 2, memoryBytes: 2 ** 30 - 96 * 2 ** 20 },
  })
})

it('both versions say the same in their own words', () => {
  const limits = { cpuShares: 512, cpuQuotaMicros: 50_000, memoryBytes: 1000, hugepages: new Map([['2MB', 0]]) }
  const text = (version: 1 | 2) => filesOf(limits, version).map(({ name, value }) => `${name}=${value}`)
  expect(text(1)).toEqual([
    'cpu.shares=512',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_quota_us=50000',
    'memory.limit_in_bytes=1000',
    'pids.max=max',
    'hugetlb.2MB.limit_in_bytes=0',
  ])
  expect(text(2)).toEqual([
    'cpu.weight=20',
    'cpu.max=50000 100000',
    'memory.max=1000',
    'pids.max=max',
    'hugetlb.2MB.max=0',
  ])
  expect([2, 1024, 262_144].map(weightOf)).toEqual([1, 39, 10_000])
})

const metrics = new AgentMetrics()

const open = async (kernel: CgroupKernel, pods: Pod[], settings: CgroupSettings = {}, clock = new VirtualClock()) => ({
  clock,
  groups: await PodGroups.open({
    ...{ settings, disk: kernel.disk, clock, log: silentLogger, metrics, activePods: () => pods },
    capacity: { cpu: '2', memory: '1024Ki' },
    reserved: { cpu: '100m', memory: '24Ki' },
  }),
})

describe.each([
  ['v1', 'cpu,cpuacct', 'memory'],
  ['mixed', 'cpu', 'memory'],
] as const)('with control groups in layout %s', (layout, cpu, memory) => {
  it('pods are below the group of their class, which is below the one that bounds all', async () => {
    const kernel = new CgroupKernel(layout)
    const { groups, clock } = await open(kernel, [guaranteed, burstable])
    await groups.enforce()
    expect(await groups.make(guaranteed)).toBe('/kubepods/podg')
    expect(await groups.make(burstable)).toBe('/kubepods/burstable/podb')
    await Promise.all([groups.bound(guaranteed), groups.bound(burstable)])
    await clock.advance(1_000)
    expect(kernel.written).toMatchObject({
      [`${cpu}/kubepods/cpu.shares`]: '1945',
      [`${memory}/kubepods/memory.limit_in_bytes`]: '1024000',
      [`${cpu}/kubepods/burstable/cpu.shares`]: '256',
      [`${cpu}/kubepods/besteffort/cpu.shares`]: '2',
      [`${cpu}/kubepods/podg/cpu.cfs_quota_us`]: '50000',
      [`${memory}/kubepods/burstable/podb/memory.limit_in_bytes`]: String(128 * 2 ** 20),
      'pids/kubepods/podg/pids.max': 'max',
    })
  })

  it('a pod takes its groups along from every tree, also those that the runtime made in it', async () => {
    const kernel = new CgroupKernel(layout)
    const { groups } = await open(kernel, [])
    await groups.make(bestEffort)
    for (const tree of kernel.groups)
      if (!tree.includes('kubepods')) kernel.groups.add(`${tree}/kubepods/besteffort/pode`).add(`${tree}/kubepods/x`)
    await groups.remove('e')
    expect([...kernel.groups].filter(group => group.includes('pode'))).toEqual([])
    await removePodGroups(kernel.disk)
    expect([...kernel.groups].filter(group => group.includes('kubepods'))).toEqual([])
  })

  it('a node that is no more takes the groups above its own with it, unless somebody else is in them', async () => {
    const kernel = new CgroupKernel(layout)
    await open(kernel, [], { root: '/tenants/a' })
    kernel.groups.add('/sys/fs/cgroup/memory/tenants/b')
    await removePodGroups(kernel.disk, '/tenants/a')
    const left = [...kernel.groups].filter(group => group.includes('tenants'))
    expect(left.sort()).toEqual(['/sys/fs/cgroup/memory/tenants', '/sys/fs/cgroup/memory/tenants/b'])
  })
})

describe('with control groups of version 2', () => {
  it('controllers are handed down to the pods', async () => {
    const kernel = new CgroupKernel('v2')
    const { groups } = await open(kernel, [], { root: '/tenants', podPidsLimit: 10 })
    expect(await groups.make(bestEffort)).toBe('/tenants/kubepods/besteffort/pode')
    await groups.bound(bestEffort)
    const down = '+cpuset +cpu +memory +pids'
    expect(kernel.written).toMatchObject({
      'cgroup.subtree_control': down,
      'tenants/cgroup.subtree_control': down,
      'tenants/kubepods/cgroup.subtree_control': down,
      'tenants/kubepods/besteffort/cgroup.subtree_control': down,
      'tenants/kubepods/besteffort/pode/cpu.weight': '1',
      'tenants/kubepods/besteffort/pode/pids.max': '10',
    })
    expect(kernel.written).not.toHaveProperty(['tenants/kubepods/besteffort/pode/cgroup.subtree_control'])
  })

  it('what pods use together counts without what the kernel could drop', async () => {
    const kernel = new CgroupKernel('v2')
    const { groups } = await open(kernel, [])
    expect(await groups.memory()).toBeUndefined()
    kernel.written['kubepods/memory.current'] = '500000\n'
    kernel.written['kubepods/memory.stat'] = 'anon 1\ninactive_file 100000\n'
    expect(await groups.memory()).toEqual({ available: 624_000, capacity: 1_024_000 })
    const free = await open(kernel, [], { enforceAllocatable: false })
    expect(await free.groups.memory()).toBeUndefined()
  })
})

describe('groups', () => {
  it('that still have a process are taken out later, and those of pods that nobody knows when they are old', async () => {
    const kernel = new CgroupKernel('v2')
    const { groups, clock } = await open(kernel, [])
    const [held, strange] = ['/sys/fs/cgroup/kubepods/besteffort/pode', '/sys/fs/cgroup/kubepods/podstrange']
    await groups.make(bestEffort)
    kernel.busy.add(held)
    kernel.groups.add(strange)
    expect(await groups.remove('e')).toBe(false)
    expect(kernel.groups.has(held)).toBe(true)
    kernel.busy.clear()
    await groups.sweep(uid => uid === 'strange')
    expect([held, strange].map(group => kernel.groups.has(group))).toEqual([false, true])
    await clock.advance(599_999)
    await groups.sweep(() => false)
    expect(kernel.groups.has(strange)).toBe(true)
    await clock.advance(2)
    await groups.sweep(() => false)
    expect(kernel.groups.has(strange)).toBe(false)
  })

  it('of a pod that an earlier agent made are found again; a pod of before has none', async () => {
    const kernel = new CgroupKernel('v1')
    await (await open(kernel, [])).groups.make(burstable)
    const { groups } = await open(kernel, [])
    const wider = pod('b', container({ requests: { cpu: '500m' } }))
    await groups.resize(wider)
    expect(kernel.written).toMatchObject({
      'cpu,cpuacct/kubepods/burstable/podb/cpu.shares': '512',
      'memory/kubepods/burstable/podb/memory.limit_in_bytes': '-1',
    })
    await groups.resize(bestEffort)
    expect(kernel.groups.has('/sys/fs/cgroup/memory/kubepods/besteffort/pode')).toBe(false)
  })

  it('are bounded once, and again when the kernel did not take it', async () => {
    const kernel = new CgroupKernel('v2')
    const { groups } = await open(kernel, [])
    await groups.make(burstable)
    const file = 'kubepods/burstable/podb/memory.max'
    kernel.refused.add(String(128 * 2 ** 20))
    await expect(groups.bound(burstable)).rejects.toThrow('cannot set memory.max')
    kernel.refused.clear()
    await groups.bound(burstable)
    expect(kernel.written[file]).toBe(String(128 * 2 ** 20))
    kernel.written[file] = 'somebody else’s'
    await groups.bound(burstable)
    expect(kernel.written[file]).toBe('somebody else’s')
  })

  it('that the kernel refuses are named with file and value', async () => {
    const kernel = new CgroupKernel('v2')
    kernel.refused.add('1024000')
    const { groups } = await open(kernel, [])
    await expect(groups.enforce()).rejects.toThrow('cannot set memory.max of control group /kubepods to 1024000')
  })
})

it('changes of groups are counted by what they are', async () => {
  const counted = async () => {
    const lines = (await Promise.all(metrics.families.map(talliedFamily))).flat()
    const counts = lines.map(line =>
      /^kubelet_cgroup_manager_duration_seconds_count\{operation_type="(\w+)"} (\d+)/.exec(line),
    )
    return Object.fromEntries(counts.flatMap(count => (count ? [[count[1], Number(count[2])]] : [])))
  }
  const before = await counted()
  const { groups } = await open(new CgroupKernel('v2'), [])
  await groups.make(burstable)
  await groups.bound(burstable)
  await groups.remove('b')
  const after = await counted()
  for (const operation of ['create', 'update', 'destroy']) expect(after[operation]).toBe((before[operation] ?? 0) + 1)
})

it('what is kept off pods is that of the system and of the node together', () => {
  expect(reservationOf({})).toEqual({ cpu: '100m', memory: '256Mi' })
  const reserved = { cpu: '500m', memory: '1Gi' }
  expect(reservationOf({ reserved, kubeReserved: { cpu: '1', pid: '1000' } })).toEqual({
    cpu: '1500m',
    memory: '1Gi',
    pid: '1000',
  })
})

it('a machine without control groups says what is missing', async () => {
  const disk = { ...new CgroupKernel('v1').disk, readText: async () => '' }
  await expect(Hierarchy.find(disk)).rejects.toThrow('/sys/fs/cgroup has no control groups for cpu and memory')
})
