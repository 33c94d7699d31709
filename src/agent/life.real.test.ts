import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { removePodGroups } from './cgroup/pod-groups.ts'
import { parseCpuList } from './cpu/cpu-list.ts'
import { cadvisorMetrics } from './serving/cadvisor-metrics.ts'
import { CpuRates } from './serving/cpu-rates.ts'
import { LocalStorage } from './serving/local-storage.ts'
import { nodeMetrics } from './serving/node-metrics.ts'
import { summary } from './serving/summary.ts'
import { VolumeUses } from './serving/volume-uses.ts'
import { forever, RealNode, until } from './testing/real-node.ts'

/** While this pod runs, the machine seems to have 50 MiB left. */
let greedy: string | undefined
const disk = {
  ...systemDisk,
  readText: async (path: string) => {
    const text = await systemDisk.readText(path)
    if (path !== '/proc/meminfo' || !greedy) return text
    const pod = (await node.bench.runtime.observe()).find(p => p.name === greedy)
    const runs = pod?.containers.some(c => c.state === 'running')
    return runs ? text.replace(/^MemAvailable:.*/m, 'MemAvailable: 51200 kB') : text
  },
}

let node: RealNode
/** Of this node alone: others may run on this machine. */
const cgroupRoot = `/optiflow-life-${process.pid}`
const manifests = `/tmp/optiflow-manifests-${process.pid}`

beforeAll(async () => {
  await mkdir(manifests, { recursive: true })
  node = await RealNode.open('10.219.48.0/20', {
    disk,
    staticPodFolder: manifests,
    reserved: { cpu: '100m' },
    cgroups: { root: cgroupRoot },
    cpuManagerPolicy: 'static',
    eviction: { hard: 'memory.available<100Mi', lookMs: 200, transitionMs: 500 },
  })
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
    await rm(manifests, { recursive: true, force: true })
    await removePodGroups(systemDisk, cgroupRoot)
    for (const tree of ['', ...(await readdir('/sys/fs/cgroup'))])
      await rmdir(`/sys/fs/cgroup/${tree}${cgroupRoot}`).catch(() => {})
  }
})

const condition = async (type: string) =>
  (await node.client.get(Node, { name: 'node-1' })).status!.conditions!.find(c => c.type === type)

describe('a node that runs short of memory', () => {
  it('says so, ends the pod that uses most beyond its request, takes no new one, and recovers', async () => {
    const { containers } = { containers: [node.sh(`x=$(head -c 20000000 /dev/zero | tr "\\0" a); ${forever}`)] }
    await node.run('greedy', { containers })
    await node.run('modest', {
      containers: [node.sh(forever, { resources: { requests: { memory: '64Mi' } } })],
    })
    await Promise.all([node.isReady('greedy'), node.isReady('modest')])
    greedy = 'greedy'
    const evicted = await node.ends('greedy')
    expect(evicted.status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: expect.stringMatching(
        /^The node was low on resource: memory\. Threshold quantity: 100Mi, available: 50Mi\. Container main was using \d+([KM]i)?, request is 0, has larger consumption of memory\. $/,
      ),
      containerStatuses: [{ ready: false, state: { terminated: {} } }],
    })
    expect(evicted.status!.conditions!.find(c => c.type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
      message: evicted.status!.message,
    })
    expect(await node.events('greedy')).toContainEqual(expect.stringMatching(/^Evicted: The node was low on resource/))
    await until('the pressure over', async () =>
      (await condition('MemoryPressure'))!.status === 'False' ? true : undefined,
    )
    expect((await node.get('modest')).status!.phase).toBe('Running')
    await node.remove('greedy')
    await node.remove('modest')
  })
})

describe('a pod that writes more than it said it would', () => {
  it('is ended for good', async () => {
    await node.run('writer', {
      volumes: [{ name: 'data', emptyDir: { sizeLimit: '1Mi' } }],
      containers: [
        node.sh(`dd if=/dev/zero of=/data/f bs=1024 count=2048 2>/dev/null; ${forever}`, {
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        }),
      ],
    })
    expect((await node.ends('writer')).status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ',
    })
    await node.remove('writer')
  })
})

describe('a running container', () => {
  it('is given other resources in place, and the kernel has them', async () => {
    const sized = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })
    await node.run('sized', { containers: [node.sh(forever, { resources: sized('100m', '64Mi') })] })
    const before = await node.isReady('sized')
    await node.client.patch<Pod>(
      Pod,
      { namespace: 'test', name: 'sized' },
      { type: 'strategic', body: { spec: { containers: [{ name: 'main', resources: sized('200m', '128Mi') }] } } },
      { subresource: 'resize' },
    )
    const after = await node.when('sized', 'resized', pod => {
      const memory = pod.status?.containerStatuses?.[0]?.resources?.limits?.['memory']
      return memory === '128Mi' && pod.status?.resize === undefined
    })
    const [was, is] = [before, after].map(pod => pod.status!.containerStatuses![0]!)
    expect(is).toEqual({
      ...was,
      resources: sized('200m', '128Mi'),
      allocatedResources: { cpu: '200m', memory: '128Mi' },
    })
    const pid = await node.pidOf('sized')
    expect(await memoryLimitsOf(pid)).toEqual({ container: 128 * 2 ** 20, pod: 128 * 2 ** 20 })
    const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).match(/^\d+:(cpu\b.*|memory|):.*/gm)!
    const group = `${cgroupRoot}/kubepods/pod${after.metadata.uid}`
    expect(groups.filter(line => line.includes(`:${group}/`))).not.toEqual([])
    await tellsOf('sized', group)
    await node.remove('sized')
    await until('its groups gone', async () =>
      (await foldersNamed(`pod${after.metadata.uid}`)).length ? undefined : true,
    )
  })
})

/** By the names that kubelets have: what the kernel counts of the pod, of the machine, and what the agent did for it. */
async function tellsOf(name: string, group: string): Promise<void> {
  const { served } = node.agent
  const volumes = new VolumeUses(served)
  const [counted, kernel, said]: [string, string, any] = await Promise.all([
    nodeMetrics(served, volumes),
    cadvisorMetrics(served),
    summary(served, { volumes, rates: new CpuRates(), storage: new LocalStorage(served) }),
  ])
  expect(counted).toMatch(/^kubelet_runtime_operations_total{operation_type="run_podsandbox"} [1-9]/m)
  expect(counted).toMatch(/^kubelet_cgroup_manager_duration_seconds_count{operation_type="create"} [1-9]/m)
  const container = `container="main",id="${group}/\\w+",image=".*",name="\\w+",namespace="test",pod="${name}"`
  for (const figure of ['cpu_cfs_periods_total', 'memory_cache', 'memory_failcnt', 'cpu_user_seconds_total', 'threads'])
    expect(kernel).toMatch(new RegExp(`^container_${figure}{${container}} \\d`, 'm'))
  const pod = `container="",id="${group}",image="",name="",namespace="test",pod="${name}"`
  expect(kernel).toMatch(new RegExp(`^container_memory_usage_bytes{${pod}} [1-9]`, 'm'))
  const sandbox = `container="",id="${group}/(\\w+)",image="[^"]+",name="\\1",namespace="test",pod="${name}"`
  expect(kernel).toMatch(new RegExp(`^container_network_receive_packets_total{${sandbox},interface="eth0"} \\d`, 'm'))
  expect(kernel).toMatch(new RegExp(`^container_processes{${container}} [1-9]`, 'm'))
  expect(kernel).toMatch(new RegExp(`^container_file_descriptors{${container}} [1-9]`, 'm'))
  expect(kernel).toMatch(new RegExp(`^container_ulimits_soft{${container},ulimit="max_open_files"} [1-9]`, 'm'))
  expect(kernel).toMatch(new RegExp(`^container_spec_memory_limit_bytes{${pod}} ${128 * 2 ** 20}$`, 'm'))
  expect(kernel).toMatch(/^container_fs_limit_bytes{.*,id="\/",.*,device="\/dev\/[^"]+"} [1-9]/m)
  const { 'ephemeral-storage': local, process_stats } = said.pods.find((one: any) => one.podRef.name === name)
  expect(local.capacityBytes).toBeGreaterThan(local.usedBytes)
  // The pod's own program and the one that holds its namespaces.
  expect(process_stats.process_count).toBeGreaterThanOrEqual(2)
  expect(said.node.fs.usedBytes).toBeGreaterThan(0)
  expect(said.node.runtime.imageFs.capacityBytes).toBeGreaterThan(0)
}

async function foldersNamed(name: string): Promise<string[]> {
  const roots = ['/sys/fs/cgroup', ...(await readdir('/sys/fs/cgroup')).map(tree => `/sys/fs/cgroup/${tree}`)]
  const all = roots.map(root => `${root}${cgroupRoot}/kubepods/${name}`)
  return all.filter(folder => existsSync(folder))
}

/** As the kernel has them, with control groups of either version. */
async function memoryLimitsOf(pid: number): Promise<{ container: number; pod: number }> {
  for (const line of (await readFile(`/proc/${pid}/cgroup`, 'utf8')).split('\n')) {
    const [, controllers, path] = line.split(':')
    if (controllers !== 'memory' && controllers !== '') continue
    const limitOf = (group: string) =>
      readFile(
        controllers === 'memory'
          ? `/sys/fs/cgroup/memory${group}/memory.limit_in_bytes`
          : `/sys/fs/cgroup${group}/memory.max`,
        'utf8',
      ).catch(() => '')
    const [container, pod] = await Promise.all([limitOf(path!), limitOf(dirname(path!))])
    if (container) return { container: Number(container), pod: Number(pod) }
  }
  throw new Error(`process ${pid} has no memory limit`)
}

describe('a Guaranteed pod that asks for a whole processor', () => {
  it.skipIf(availableParallelism() < 2)('has it for itself, across agents, until it ends', async () => {
    const limits = { cpu: '1', memory: '64Mi' }
    const cpus = async (name: string) =>
      /^Cpus_allowed_list:\s*(.*)$/m.exec(await readFile(`/proc/${await node.pidOf(name)}/status`, 'utf8'))![1]!
    await node.run('shares', {})
    await node.isReady('shares')
    const all = await cpus('shares')
    await node.run('alone', { containers: [node.sh(forever, { resources: { limits, requests: limits } })] })
    await node.isReady('alone')
    const own = await cpus('alone')
    expect(own).toMatch(/^\d+$/)
    await until('the other to move', async () => ((await cpus('shares')) === all ? undefined : true))
    expect(parseCpuList(await cpus('shares'))).toEqual(parseCpuList(all).filter(cpu => cpu !== Number(own)))
    await node.stopAgent()
    await node.startAgent()
    expect(await cpus('alone')).toBe(own)
    await node.remove('alone')
    await until('the other to have all', async () => ((await cpus('shares')) === all ? true : undefined))
    await node.remove('shares')
  })
})

describe('a pod in the node’s own folder', () => {
  it('runs with real containers, comes back to the API, and ends with its file', async () => {
    const key = { namespace: 'test', name: 'own-node-1' }
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'own', namespace: 'test' },
      spec: { terminationGracePeriodSeconds: 1, containers: [node.sh(forever)] },
    }
    await writeFile(join(manifests, 'own.json'), JSON.stringify(manifest))
    const first = await node.client
      .get(Pod, key)
      .catch(() => until('the mirror', () => node.client.get(Pod, key).catch(() => undefined)))
    await node.isReady('own-node-1')
    await node.client.delete(Pod, key)
    const second = await until('it back', async () => {
      const pod = await node.client.get(Pod, key).catch(() => undefined)
      return pod && pod.metadata.uid !== first.metadata.uid && pod.status?.phase === 'Running' ? pod : undefined
    })
    expect(second.status!.containerStatuses![0]!.restartCount).toBe(0)
    await rm(join(manifests, 'own.json'))
    await until('its end', async () =>
      (await node.bench.runtime.observe()).some(p => p.name === key.name) ? undefined : true,
    )
    await until('its record gone', async () =>
      (await node.client.get(Pod, key).catch(() => undefined)) === undefined ? true : undefined,
    )
  })
})
