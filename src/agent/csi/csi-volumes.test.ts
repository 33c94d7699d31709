import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { notFoundError } from '../../models/api-error.ts'
import { CSINode } from '../../models/kinds/storage/csi-node.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { attachmentName } from '../../plugins/index.ts'
import { startTestDriver, type TestDriver, type TestDriverOptions } from '../../plugins/testing/csi-driver.ts'
import { PluginWatcher } from '../plugin/plugin-watcher.ts'
import { VolumeGrowth } from '../volume/volume-growth.ts'
import { CsiDrivers } from './csi-drivers.ts'
import { claimedUse, inlineUse } from './csi-use.ts'
import { CsiVolumes } from './csi-volumes.ts'

let folder: string
let clock: VirtualClock
let driver: TestDriver
let drivers: CsiDrivers
let watcher: PluginWatcher
let volumes: CsiVolumes
/** What the API has, by kind and name. */
let api: Map<string, any>
const mounts = new Set<string>()
const announced: string[][] = []

const client = {
  get: async (kind: any, { name }: { name: string }) => {
    const found = api.get(`${kind.kind}/${name}`)
    if (!found) throw notFoundError(kind, name)
    return structuredClone(found)
  },
  create: async (kind: any, object: any) => void api.set(`${kind.kind}/${object.metadata.name}`, object),
  update: async (kind: any, object: any) => void api.set(`${kind.kind}/${object.metadata.name}`, object),
  patch: async (kind: any, { name }: { name: string }, { body }: { body: any }) => {
    const found = api.get(`${kind.kind}/${name}`)
    for (const [part, value] of Object.entries<any>(body)) found[part] = { ...found[part], ...value }
    return structuredClone(found)
  },
} as any
const objects = {
  get: async (kind: any, { name }: { name: string }) => structuredClone(api.get(`${kind.kind}/${name}`)),
} as any

const driverOptions = (): TestDriverOptions => ({
  name: 'disk.test',
  folder: join(folder, 'driver'),
  pluginFolder: join(folder, 'plugins/disk.test'),
  registryFolder: join(folder, 'plugins_registry'),
  nodeId: 'id-of-n1',
  topology: { 'disk.test/zone': 'z1' },
  maxVolumes: 7,
  mount: async (_, to) => void mounts.add(to),
  unmount: async path => void mounts.delete(path),
  isMounted: async path => mounts.has(path),
})

const newVolumes = () =>
  new CsiVolumes({
    nodeName: 'n1',
    kubeletFolder: folder,
    drivers,
    objects,
    growth: new VolumeGrowth({ client, objects, clock }),
    tokens: { tokenFor: async () => 'x.e30.x', forget() {} },
    disk: systemDisk,
    clock,
    log: silentLogger,
    announce: async names => void announced.push(names),
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-csi-'))
  await mkdir(join(folder, 'driver/volumes/v1'), { recursive: true })
  mounts.clear()
  announced.length = 0
  clock = new VirtualClock()
  api = new Map<string, any>([
    ['Node/n1', { metadata: { name: 'n1', uid: 'u' } }],
    ['CSIDriver/disk.test', { metadata: { name: 'disk.test' }, spec: { attachRequired: true, podInfoOnMount: true } }],
  ])
  driver = await startTestDriver(driverOptions())
  await systemDisk.write(join(folder, 'driver/v1.json'), JSON.stringify({ id: 'v1', bytes: 1000, publishedTo: [] }))
  drivers = new CsiDrivers({ nodeName: 'n1', client, clock, log: silentLogger })
  watcher = new PluginWatcher({
    folder: join(folder, 'plugins_registry'),
    kinds: [drivers],
    disk: systemDisk,
    clock,
    log: silentLogger,
  })
  await watcher.start()
  volumes = newVolumes()
})
afterEach(async () => {
  await watcher.stop()
  drivers[Symbol.dispose]()
  await driver[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const pod = (uid: string, spec: object = {}) =>
  ({ metadata: { name: `pod-${uid}`, namespace: 'default', uid }, spec: { containers: [], ...spec } }) as unknown as Pod
const claimed = (more: object = {}) => ({
  claim: { metadata: { namespace: 'default', name: 'c' }, spec: {}, status: { capacity: { storage: '1000' } } },
  volume: {
    metadata: { name: 'pv1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1000' },
      csi: { driver: 'disk.test', volumeHandle: 'v1', fsType: 'ext4', volumeAttributes: { made: 'here' } },
      ...more,
    },
  },
})
const use = (more: object = {}) => {
  const found = claimed(more) as any
  api.set('PersistentVolume/pv1', found.volume)
  api.set('PersistentVolumeClaim/c', found.claim)
  return claimedUse(found, { name: 'data' })
}
const attach = () =>
  api.set(`VolumeAttachment/${attachmentName('v1', 'disk.test', 'n1')}`, {
    metadata: {},
    status: { attached: true, attachmentMetadata: { device: 'disk-of-v1' } },
  })
/** What is left below kubelet's folder of pods and of staged volumes. */
const left = async () => {
  const found = await readdir(folder, { recursive: true })
  return found.filter(path => /^(pods\/|plugins\/kubernetes\.io\/csi\/.*mount|.*vol_data)/.test(path))
}

describe('a CSI driver that registers', () => {
  it('finds the folders that its manifest mounts, before any pod has a volume', async () => {
    await volumes.start()
    expect((await readdir(folder)).sort()).toEqual(expect.arrayContaining(['plugins', 'plugins_registry', 'pods']))
  })

  it('is told by the CSINode with its id, its topology and its limit, and no longer when it goes', async () => {
    expect(api.get('CSINode/n1').spec.drivers).toEqual([
      { name: 'disk.test', nodeID: 'id-of-n1', topologyKeys: ['disk.test/zone'], allocatable: { count: 7 } },
    ])
    expect(api.get('Node/n1').metadata.labels).toEqual({ 'disk.test/zone': 'z1' })
    await driver[Symbol.asyncDispose]()
    await watcher.look()
    await drivers.announce()
    expect((await client.get(CSINode, { name: 'n1' })).spec.drivers).toEqual([])
    await expect(volumes.setUp(pod('a'), use())).rejects.toThrow(
      'driver name disk.test not found in the list of registered CSI drivers',
    )
    driver = await startTestDriver(driverOptions())
    await watcher.look()
    expect(api.get('CSINode/n1').spec.drivers).toHaveLength(1)
  })
})

describe('a volume of a CSI driver', () => {
  it('is staged and published with what the attacher said, and in use before it is touched', async () => {
    attach()
    const ready = await volumes.setUp(pod('a'), use())
    expect(ready.path).toBe(join(folder, 'pods/a/volumes/kubernetes.io~csi/pv1/mount'))
    expect(announced).toEqual([['kubernetes.io/csi/disk.test^v1']])
    expect(driver.calls).toEqual(['NodeStageVolume v1', 'NodePublishVolume v1'])
    expect(driver.requests['NodeStageVolume']![0]).toMatchObject({
      publish_context: { device: 'disk-of-v1' },
      volume_capability: {
        access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' },
        mount: { fs_type: 'ext4', mount_flags: [], volume_mount_group: '' },
      },
      volume_context: { made: 'here' },
    })
    expect(driver.requests['NodePublishVolume']![0].volume_context).toEqual({
      made: 'here',
      'csi.storage.k8s.io/pod.name': 'pod-a',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': 'a',
      'csi.storage.k8s.io/serviceAccount.name': 'default',
      'csi.storage.k8s.io/ephemeral': 'false',
    })
  })

  it('waits for its attachment, and says why when that does not come', async () => {
    const waiting = volumes.setUp(pod('a'), use())
    await clock.advance(300)
    attach()
    await clock.advance(1_000)
    await waiting
    api.set(`VolumeAttachment/${attachmentName('v1', 'disk.test', 'n1')}`, {
      status: { attached: false, attachError: { message: 'no more slots' } },
    })
    const refused = expect(volumes.setUp(pod('b'), use())).rejects.toThrow(
      'volume v1 is not attached to this node yet: no more slots',
    )
    for (let i = 0; i < 12; i++) await clock.advance(1_000)
    await refused
  })

  it('is unstaged when the last pod on the node lets go of it, and leaves nothing', async () => {
    attach()
    await volumes.setUp(pod('a'), use())
    await volumes.setUp(pod('b'), use())
    await volumes.tearDown('a')
    expect(driver.calls.filter(c => /^NodeUn/.test(c))).toEqual(['NodeUnpublishVolume v1'])
    expect(volumes.inUse).toEqual(['kubernetes.io/csi/disk.test^v1'])
    await volumes.tearDown('b')
    expect(driver.calls.filter(c => /^NodeUn/.test(c))).toEqual([
      'NodeUnpublishVolume v1',
      'NodeUnpublishVolume v1',
      'NodeUnstageVolume v1',
    ])
    expect([...mounts]).toEqual([])
    expect(await left()).toEqual([])
    expect(announced.at(-1)).toEqual([])
  })

  it('is found again and taken down by an agent that started anew, whatever failed before', async () => {
    attach()
    driver.fail('NodePublishVolume', 'disk on fire')
    await expect(volumes.setUp(pod('a'), use())).rejects.toThrow('rpc error: code = Internal desc = disk on fire')
    volumes = newVolumes()
    await volumes.start()
    expect(volumes.inUse).toEqual(['kubernetes.io/csi/disk.test^v1'])
    expect(await volumes.pods()).toEqual(['a'])
    driver.fail('NodeUnstageVolume', 'busy')
    await expect(volumes.tearDown('a')).rejects.toThrow(/busy/)
    expect(await volumes.pods()).toEqual(['a'])
    volumes = newVolumes()
    await volumes.start()
    await volumes.tearDown('a')
    expect([...mounts]).toEqual([])
    expect(await left()).toEqual([])
    expect(await volumes.pods()).toEqual([])
  })

  it('that lives with its pod is only published, if the driver does that at all', async () => {
    const volume = { name: 'scratch', csi: { driver: 'disk.test', volumeAttributes: { size: '1' } } }
    const inline = inlineUse(pod('a'), volume)
    await expect(volumes.setUp(pod('a'), inline)).rejects.toThrow(
      'volume mode "Ephemeral" not supported by driver disk.test (only supports ["Persistent"])',
    )
    api.get('CSIDriver/disk.test').spec.volumeLifecycleModes = ['Ephemeral']
    await volumes.setUp(pod('a'), inline)
    expect(driver.calls.map(c => c.split(' ')[0])).toEqual(['NodePublishVolume'])
    expect(driver.requests['NodePublishVolume']![0].volume_context).toMatchObject({
      size: '1',
      'csi.storage.k8s.io/ephemeral': 'true',
    })
    await volumes.tearDown('a')
    expect(await left()).toEqual([])
  })

  it('carries the secrets that its PersistentVolume names, and tokens for those who ask', async () => {
    attach()
    api.get('CSIDriver/disk.test').spec.tokenRequests = [{ audience: 'vault' }]
    api.set('Secret/s', { data: { key: Buffer.from('word').toString('base64') } })
    const csi = {
      driver: 'disk.test',
      volumeHandle: 'v1',
      nodeStageSecretRef: { namespace: 'default', name: 's' },
      nodePublishSecretRef: { namespace: 'default', name: 'gone' },
    }
    await expect(volumes.setUp(pod('a'), use({ csi }))).rejects.toThrow('secret "default/gone" not found')
    api.set('Secret/gone', { data: {} })
    await volumes.setUp(pod('a'), use({ csi }))
    expect(driver.requests['NodeStageVolume']![0].secrets).toEqual({ key: 'word' })
    const context = driver.requests['NodePublishVolume']!.at(-1).volume_context
    expect(JSON.parse(context['csi.storage.k8s.io/serviceAccount.tokens'])).toEqual({
      vault: { token: 'x.e30.x', expirationTimestamp: expect.any(String) },
    })
  })

  it('is a device where the volume is one', async () => {
    attach()
    await mkdir(join(folder, 'plugins/kubernetes.io/csi/volumeDevices/publish/pv1'), { recursive: true })
    const ready = await volumes.setUp(pod('a'), use({ volumeMode: 'Block' }))
    expect(ready.path).toBe(join(folder, 'plugins/kubernetes.io/csi/volumeDevices/publish/pv1/a'))
    expect(driver.requests['NodePublishVolume']![0]).toMatchObject({
      staging_target_path: join(folder, 'plugins/kubernetes.io/csi/volumeDevices/staging/pv1'),
      volume_capability: { block: {}, mount: null },
    })
  })

  it('grows on the node when it is larger than its claim says, and the claim is told', async () => {
    attach()
    const ready = await volumes.setUp(pod('a'), use())
    expect(driver.calls).not.toContain('NodeExpandVolume v1')
    api.get('PersistentVolume/pv1').spec.capacity.storage = '2000'
    const { status } = api.get('PersistentVolumeClaim/c')
    status.conditions = [{ type: 'FileSystemResizePending', status: 'True' }]
    status.allocatedResourceStatuses = { storage: 'NodeResizePending' }
    await volumes.lookAfter(pod('a'), ready)
    expect(driver.requests['NodeExpandVolume']![0]).toMatchObject({
      volume_path: ready.path,
      capacity_range: { required_bytes: 2000 },
    })
    expect(api.get('PersistentVolumeClaim/c').status).toEqual({
      ...{ capacity: { storage: '2000' }, conditions: [] },
      allocatedResourceStatuses: { storage: null },
    })
  })

  it('that cannot be grown says so in its claim, and is left alone until the controller decides', async () => {
    attach()
    const ready = await volumes.setUp(pod('a'), use())
    api.get('PersistentVolume/pv1').spec.capacity.storage = '2000'
    const { status } = api.get('PersistentVolumeClaim/c')
    status.allocatedResourceStatuses = { storage: 'NodeResizePending' }
    driver.fail('NodeExpandVolume', 'no room', 'OUT_OF_RANGE')
    await expect(volumes.lookAfter(pod('a'), ready)).rejects.toThrow('no room')
    expect(api.get('PersistentVolumeClaim/c').status).toMatchObject({
      capacity: { storage: '1000' },
      allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' },
      conditions: [{ type: 'NodeResizeError', message: expect.stringContaining('no room') }],
    })
    await volumes.lookAfter(pod('a'), ready)
    expect(driver.requests['NodeExpandVolume']).toHaveLength(1)
  })

  describe('whose growth is the node’s alone', () => {
    const asked = (storage: string) => ({ resources: { requests: { storage } } })
    /** The volume has become larger, and the node is to follow. */
    async function larger(storage: string) {
      attach()
      const ready = await volumes.setUp(pod('a'), use())
      api.get('PersistentVolume/pv1').spec.capacity.storage = storage
      const claim = api.get('PersistentVolumeClaim/c')
      claim.spec = asked(storage)
      claim.status.allocatedResourceStatuses = { storage: 'NodeResizePending' }
      return { ready, claim, phase: () => claim.status.allocatedResourceStatuses.storage }
    }
    const refuse = (code: Parameters<TestDriver['fail']>[2]) => driver.fail('NodeExpandVolume', 'no', code)

    it('is the controller’s to decide about once it has failed and the claim asks for something else', async () => {
      const { ready, claim, phase } = await larger('2000')
      refuse('INTERNAL')
      await expect(volumes.lookAfter(pod('a'), ready)).rejects.toThrow('no')
      expect(phase()).toBe('NodeResizeInProgress')
      claim.spec = asked('1500')
      refuse('INTERNAL')
      await expect(volumes.lookAfter(pod('a'), ready)).rejects.toThrow('no')
      expect(phase()).toBe('NodeResizeInfeasible')
      expect(claim.status.conditions).toMatchObject([{ type: 'NodeResizeError', status: 'True' }])
    })

    it('is not told as failed while it may be under way', async () => {
      const { ready, claim } = await larger('2000')
      refuse('UNAVAILABLE')
      await expect(volumes.lookAfter(pod('a'), ready)).rejects.toThrow('no')
      expect(claim.status.conditions).toBeUndefined()
    })

    it('keeps no pod from a volume that cannot grow while it is in use, and is tried again once it is not', async () => {
      const { claim } = await larger('2000')
      refuse('FAILED_PRECONDITION')
      const ready = await volumes.setUp(pod('b'), claimedUse(claimed() as any, { name: 'data' }))
      expect(claim.status.conditions).toMatchObject([{ type: 'NodeResizeError' }])
      await volumes.lookAfter(pod('b'), ready)
      expect(driver.requests['NodeExpandVolume']).toHaveLength(1)
      await volumes.tearDown('a')
      await volumes.tearDown('b')
      await volumes.setUp(pod('c'), claimedUse(claimed() as any, { name: 'data' }))
      expect(claim.status.capacity.storage).toBe('2000')
    })
  })
})
