import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { kubeletProtocol, PluginSocket } from '../../plugins/index.ts'
import {
  startTestDevicePlugin,
  type TestDevicePlugin,
  type TestDevicePluginOptions,
} from '../../plugins/testing/device-plugin.ts'
import { goneAfterMs } from './device-endpoint.ts'
import { Devices } from './devices.ts'
import { servePodResources } from './pod-resources.ts'

let folder: string
let clock: VirtualClock
let devices: Devices
let plugin: TestDevicePlugin | undefined
let active: Set<string> | undefined
const changes = new Set<() => void>()
const resource = 'gpu.test/card'

const newDevices = async (sharedResource?: string) => {
  const made = new Devices({
    folder,
    ...(sharedResource ? { sharedResource } : {}),
    disk: systemDisk,
    clock,
    log: silentLogger,
    activePods: () => active,
    numa: () => ({ nodes: [0, 1] }),
    onChange() {
      for (const told of changes) told()
    },
  })
  await made.restore()
  await made.start()
  return made
}
/** Looks now and after every change. */
const until = (holds: () => boolean) =>
  new Promise<void>(resolve => {
    const look = () => {
      if (!holds()) return
      changes.delete(look)
      resolve()
    }
    changes.add(look)
    look()
  })
const offered = (count: number) => until(() => devices.offers()[resource]?.allocatable === String(count))
const begin = async (more: Partial<TestDevicePluginOptions> = {}) => {
  plugin = await startTestDevicePlugin({
    folder,
    resource,
    ids: ['GPU-10', 'GPU-2', 'GPU-1', 'GPU-0'],
    ...more,
  })
  await offered(more.ids?.length ?? 4)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-dev-'))
  clock = new VirtualClock()
  active = new Set(['a', 'b', 'c', 'd'])
  changes.clear()
  devices = await newDevices()
})
afterEach(async () => {
  await plugin?.[Symbol.asyncDispose]()
  plugin = undefined
  await devices[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const pod = (uid: string, limits: Record<string, string> = { [resource]: '1' }, annotation?: string) =>
  ({
    metadata: {
      uid,
      name: uid,
      namespace: 'default',
      ...(annotation === undefined ? {} : { annotations: { 'optiflow.dev/gpu-devices': annotation } }),
    },
    spec: { containers: [{ name: 'main', resources: { limits } }] },
  }) as unknown as Pod
const give = async (of: Pod, container = of.spec.containers[0]!) => {
  const grants = await devices.allocate(of, container)
  return grants.map(g => g.envs['VISIBLE_DEVICES']).join(';')
}

describe('a device plugin', () => {
  it('makes the node offer its devices, fewer when one falls ill, and none while it is away', async () => {
    await begin()
    expect(devices.offers()).toEqual({ [resource]: { capacity: '4', allocatable: '4' } })
    plugin!.setHealth('GPU-2', false)
    await offered(3)
    expect(devices.offers()).toEqual({ [resource]: { capacity: '4', allocatable: '3' } })
    await plugin![Symbol.asyncDispose]()
    await offered(0)
    expect(devices.offers()).toEqual({ [resource]: { capacity: '4', allocatable: '0' } })
    await expect(give(pod('a'))).rejects.toThrow('no device plugin serves gpu.test/card on this node at the moment')
    await clock.advance(goneAfterMs)
    expect(devices.offers()).toEqual({ [resource]: { capacity: '0', allocatable: '0' } })
    await begin()
    expect(devices.offers()).toEqual({ [resource]: { capacity: '4', allocatable: '4' } })
  })

  it('is told when it cannot be used, and offers nothing then', async () => {
    const broken = startTestDevicePlugin({ folder, resource, ids: ['GPU-0'], broken: 'no driver' })
    await expect(broken).rejects.toThrow(/failed to get device plugin options: .*no driver/)
    expect(devices.offers()).toEqual({})
  })

  it('gives each container its own devices, again the same after a restart, and to others when its pod has gone', async () => {
    await begin({ preStart: true })
    expect(await give(pod('a', { [resource]: '2' }))).toBe('GPU-0,GPU-1')
    expect(await give(pod('b'))).toBe('GPU-2')
    expect(await give(pod('a', { [resource]: '2' }))).toBe('GPU-0,GPU-1')
    expect(plugin!.calls).toEqual([
      'Allocate GPU-0,GPU-1',
      'PreStartContainer GPU-0,GPU-1',
      'Allocate GPU-2',
      'PreStartContainer GPU-2',
      'PreStartContainer GPU-0,GPU-1',
    ])
    await expect(give(pod('c', { [resource]: '2' }))).rejects.toThrow(
      'requested number of devices unavailable for gpu.test/card. Requested: 2, Available: 1',
    )
    active = undefined
    await expect(give(pod('c', { [resource]: '2' }))).rejects.toThrow(/Available: 1/)
    active = new Set(['b', 'c'])
    expect(await give(pod('c', { [resource]: '2' }))).toBe('GPU-0,GPU-1')
  })

  it('is not asked again by an agent that starts anew, which knows who has what', async () => {
    await begin()
    await give(pod('a', { [resource]: '3' }))
    await devices[Symbol.asyncDispose]()
    devices = await newDevices()
    expect(devices.offers()).toEqual({ [resource]: { capacity: '0', allocatable: '0' } })
    expect(await give(pod('a', { [resource]: '3' }))).toBe('GPU-0,GPU-1,GPU-2')
    await plugin![Symbol.asyncDispose]()
    await begin()
    await expect(give(pod('b', { [resource]: '2' }))).rejects.toThrow(/Available: 1/)
    expect(await give(pod('b'))).toBe('GPU-10')
  })

  it('says which devices it would rather give', async () => {
    await begin({ prefers: true })
    expect(await give(pod('a', { [resource]: '2' }))).toBe('GPU-10,GPU-2')
  })

  it('says which NUMA nodes could serve a container, and keeps what was promised from them', async () => {
    // GPU-10 and GPU-2 are near to node 0, the others to node 1.
    await begin({ numa: [0, 0, 1, 1], prefers: true })
    const [first, second] = [pod('a', { [resource]: '2' }), pod('b', { [resource]: '2' })]
    const either = [
      { nodes: 1, preferred: true },
      { nodes: 2, preferred: true },
      { nodes: 3, preferred: false },
    ]
    expect(devices.hints(first, first.spec.containers)).toEqual({ [resource]: either })
    expect(devices.give(first, first.spec.containers[0]!, 1)).toBeUndefined()
    expect(devices.hints(first, first.spec.containers)).toEqual({ [resource]: [either[0], either[2]] })
    expect(devices.hints(second, second.spec.containers)).toEqual({ [resource]: [either[1], either[2]] })
    // What was promised is not given to others, whoever starts first.
    expect(await give(second)).toBe('GPU-0,GPU-1')
    expect(await give(first)).toBe('GPU-2,GPU-10')
    const third = pod('c')
    expect(devices.hints(third, third.spec.containers)).toEqual({ [resource]: [] })
    expect(devices.give(third, third.spec.containers[0]!, 1)?.message).toContain(
      'requested number of devices unavailable for gpu.test/card. Requested: 1, Available: 0',
    )
    active!.delete('a')
    expect(devices.hints(third, third.spec.containers)).toEqual({ [resource]: [either[0], either[2]] })
    // A promise to a pod that was refused after all holds nothing.
    expect(devices.give(third, third.spec.containers[0]!, 1)).toBeUndefined()
    devices.release('c')
    expect(devices.give(pod('d', { [resource]: '2' }), third.spec.containers[0]!, 1)).toBeUndefined()
  })

  it('gives what an init container had to those that come after it', async () => {
    await begin({ ids: ['x', 'y'] })
    const both = pod('a', { [resource]: '2' })
    const init = { name: 'init', resources: { limits: { [resource]: '2' } } } as any
    both.spec.initContainers = [init]
    expect(await give(both, init)).toBe('x,y')
    expect(await give(both)).toBe('x,y')
  })

  it('is listed with its pods by the PodResources API, beside processors, memory and claimed devices', async () => {
    await begin()
    const of = pod('a', { [resource]: '2' })
    await give(of)
    const cpus = { exclusive: () => [2, 3], allocatable: [1, 2, 3] }
    const block = (size: number) => ({ numaAffinity: [1], type: 'memory', size })
    const memory = { blocksOf: () => [block(5)], allocatable: [block(9)] }
    const told = (size: number) => [{ memory_type: 'memory', size, topology: { nodes: [{ ID: 1 }] } }]
    const ready = { namespace: 'default', name: 'c', devices: [{ driver: 'd.test', cdiDevices: ['d.test/x=1'] }] }
    await using _served = await servePodResources(systemDisk, folder, {
      ...{ devices, pods: () => [of], shares: () => ({ cpus, memory }) as never },
      claims: { readyFor: () => [ready] } as never,
    })
    using socket = new PluginSocket(join(folder, 'pod-resources/kubelet.sock'), systemClock)
    const ask = (method: string) => socket.call(kubeletProtocol, 'v1.PodResourcesLister', method, {})
    const list = await ask('List')
    expect(await ask('GetAllocatableResources')).toMatchObject({
      devices: ['GPU-0', 'GPU-1', 'GPU-2', 'GPU-10'].map(id => ({ resource_name: resource, device_ids: [id] })),
      cpu_ids: [1, 2, 3],
      memory: told(9),
    })
    expect(list).toMatchObject({
      pod_resources: [
        {
          name: 'a',
          namespace: 'default',
          containers: [
            {
              name: 'main',
              devices: ['GPU-0', 'GPU-1'].map(id => ({ resource_name: resource, device_ids: [id] })),
              cpu_ids: [2, 3],
              memory: told(5),
              dynamic_resources: [
                {
                  ...{ claim_name: 'c', claim_namespace: 'default' },
                  claim_resources: [{ driver_name: 'd.test', cdi_devices: [{ name: 'd.test/x=1' }] }],
                },
              ],
            },
          ],
        },
      ],
    })
  })
})

describe('devices that pods share', () => {
  const share = (uid: string, milli: number, annotation?: string) =>
    pod(uid, { 'optiflow.dev/gpu-milli': String(milli) }, annotation)

  beforeEach(async () => {
    await devices[Symbol.asyncDispose]()
    devices = await newDevices(resource)
    await begin()
  })

  it('are offered by thousandths, and numbers do not shift when one falls ill', async () => {
    expect(devices.offers()['optiflow.dev/gpu-milli']).toEqual({ capacity: '4000', allocatable: '4000' })
    plugin!.setHealth('GPU-1', false)
    await offered(3)
    expect(devices.offers()['optiflow.dev/gpu-milli']).toEqual({ capacity: '4000', allocatable: '4000' })
    plugin!.setHealth('GPU-10', false)
    await offered(2)
    expect(devices.offers()['optiflow.dev/gpu-milli']).toEqual({ capacity: '4000', allocatable: '3000' })
    await expect(give(share('a', 500, '1'))).rejects.toThrow(
      'device GPU-1 of gpu.test/card, which the scheduler chose, is not healthy',
    )
  })

  it('go to pods as the scheduler chose, as long as there is room on them', async () => {
    const [grant] = await devices.allocate(share('a', 460, '2'), share('a', 460, '2').spec.containers[0]!)
    expect(grant!.envs).toEqual({ VISIBLE_DEVICES: 'GPU-2', OPTIFLOW_GPU_DEVICES: '2', OPTIFLOW_GPU_MILLI: '460' })
    expect(await give(share('b', 500, '2'))).toBe('GPU-2')
    await expect(give(share('c', 100, '2'))).rejects.toThrow(
      'device GPU-2 of gpu.test/card, which the scheduler chose, has 40 of 1000 thousandths free, 100 are asked for',
    )
    expect(await give(pod('d', { 'optiflow.dev/gpu-milli': '2000' }, '0,3'))).toBe('GPU-0,GPU-10')
  })

  it('are whole where a plugin’s own resource is asked for, and the tightest fits who was not placed by us', async () => {
    expect(await give(share('a', 300, '1'))).toBe('GPU-1')
    expect(await give(share('b', 300))).toBe('GPU-1')
    expect(await give(pod('c', { [resource]: '3' }))).toBe('GPU-0,GPU-2,GPU-10')
    await expect(give(share('d', 500))).rejects.toThrow(/Requested: 1, Available: 0/)
  })

  it('go to a pod’s containers in their order', async () => {
    const two = pod('a', { 'optiflow.dev/gpu-milli': '1000' }, '3,0')
    two.spec.containers.push({ name: 'second', resources: { limits: { 'optiflow.dev/gpu-milli': '1000' } } } as any)
    expect(await give(two)).toBe('GPU-10')
    expect(await give(two, two.spec.containers[1])).toBe('GPU-0')
  })
})
