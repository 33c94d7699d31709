import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CSINode,
  Event,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from '../../models/kinds/index.ts'
import { attachmentName, PluginRefused } from '../../plugins/index.ts'
import { type MemoryDriver, memoryDriver } from '../../plugins/testing/memory-driver.ts'
import { attachDetachReconciler } from '../attach-detach.ts'
import { persistentVolumeReconciler } from '../persistent-volume.ts'
import { persistentVolumeClaimReconciler } from '../persistent-volume-claim.ts'
import { startTestCluster, type TestCluster } from '../testing/cluster.ts'
import { claimProtectionReconciler, volumeProtectionReconciler } from '../volume-protection.ts'
import { volumesAttachedReconciler } from '../volumes-attached.ts'
import { csiDeleter, csiReconcilers } from './index.ts'

const name = 'disk.test'
const namespace = 'default'
let cluster: TestCluster
let driver: MemoryDriver

beforeEach(async () => {
  driver = memoryDriver()
  cluster = await startTestCluster({
    reconcilers: [
      persistentVolumeClaimReconciler(),
      persistentVolumeReconciler({ deleters: [csiDeleter(name, driver)] }),
      claimProtectionReconciler(),
      volumeProtectionReconciler(),
      attachDetachReconciler(),
      volumesAttachedReconciler(),
      ...csiReconcilers(name, driver),
    ],
  })
  for (const node of ['n1', 'n2']) {
    const metadata = { name: node, labels: { 'disk.test/zone': `zone-of-${node}` } }
    const made = await cluster.client.create(Node, { metadata, spec: {} })
    await cluster.client.updateStatus(Node, { ...made, status: { conditions: [{ type: 'Ready', status: 'True' }] } })
    await cluster.client.create(CSINode, {
      metadata: { name: node },
      spec: { drivers: [{ name, nodeID: `id-of-${node}`, topologyKeys: ['disk.test/zone'] }] },
    })
  }
  await cluster.client.create(StorageClass, {
    metadata: { name: 'fast' },
    provisioner: name,
    parameters: { kind: 'ssd', 'csi.storage.k8s.io/fstype': 'xfs' },
    allowVolumeExpansion: true,
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const claim = (claimName: string, more: object = {}) =>
  cluster.client.create(PersistentVolumeClaim, {
    metadata: { namespace, name: claimName },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'fast',
      ...more,
    },
  })
const get = (claimName: string) => cluster.client.get(PersistentVolumeClaim, { namespace, name: claimName })
const volumes = async () => (await cluster.client.list(PersistentVolume)).items
const attachments = async () => (await cluster.client.list(VolumeAttachment)).items
const node = (nodeName: string) => cluster.client.get(Node, { name: nodeName })
const pod = (podName: string, nodeName: string, claimName = 'c') =>
  cluster.client.create(Pod, {
    metadata: { namespace, name: podName },
    spec: {
      nodeName,
      containers: [{ name: 'm', image: 'i' }],
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName } }],
    },
  })
const isAttached = (to: string) => async () =>
  (await attachments()).some(a => a.spec.nodeName === to && a.status?.attached === true)
const bound = async () => {
  await claim('c')
  await cluster.until(
    async () => (await get('c')).status?.phase === 'Bound',
    30_000,
    () => get('c'),
  )
  return (await volumes())[0]!
}
const told = async (reason: string) =>
  (await cluster.client.list(Event, { namespace })).items
    .filter(e => e.reason === reason)
    .map(e => `x${e.count}: ${e.message}`)
const useOn = async (nodeName: string, volumesInUse: string[]) => {
  const found = await node(nodeName)
  await cluster.client.updateStatus(Node, { ...found, status: { ...found.status, volumesInUse } })
}

describe('a claim of a driver that we speak to', () => {
  it('gets a volume that the driver has made, with what its class says', async () => {
    const volume = await bound()
    const { uid } = (await get('c')).metadata
    expect(driver.requests[0]).toMatchObject({
      name: `pvc-${uid}`,
      capacity_range: { required_bytes: 2 ** 30 },
      volume_capabilities: [
        { access_mode: { mode: 'SINGLE_NODE_MULTI_WRITER' }, mount: { fs_type: 'xfs', mount_flags: [] } },
      ],
      parameters: { kind: 'ssd' },
    })
    expect(volume).toMatchObject({
      metadata: { name: `pvc-${uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': name } },
      spec: {
        capacity: { storage: '1Gi' },
        persistentVolumeReclaimPolicy: 'Delete',
        csi: { driver: name, volumeHandle: `id-of-pvc-${uid}`, fsType: 'xfs', volumeAttributes: { made: 'here' } },
      },
    })
    expect(driver.calls).toEqual([`create pvc-${uid}`])
  })

  it('that waits for a pod gets it where the pod goes, and is placed anew where the driver has no room', async () => {
    await cluster.client.create(StorageClass, {
      metadata: { name: 'late' },
      provisioner: name,
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    await claim('c', { storageClassName: 'late' })
    await cluster.pass(3_000)
    expect(driver.calls).toEqual([])
    const choose = (to: string) =>
      cluster.client.patch(
        PersistentVolumeClaim,
        { namespace, name: 'c' },
        { type: 'merge', body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': to } } } },
      )
    driver.failures.set('create', new PluginRefused('CreateVolume', 8, 'no room in this zone'))
    await choose('n1')
    await cluster.until(
      async () =>
        driver.calls.length > 0 && !(await get('c')).metadata.annotations?.['volume.kubernetes.io/selected-node'],
    )
    await choose('n2')
    await cluster.until(async () => (await get('c')).status?.phase === 'Bound', 30_000)
    expect((await volumes())[0]!.spec.nodeAffinity!.required!.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: 'disk.test/zone', operator: 'In', values: ['zone-of-n2'] }] },
    ])
  })

  it('is attached for its pod, detached after it, and deleted with its volume', async () => {
    const volume = await bound()
    const handle = volume.spec.csi!.volumeHandle
    await pod('p', 'n1')
    await cluster.until(isAttached('n1'), 20_000, attachments)
    const [attachment] = await attachments()
    expect(attachment).toMatchObject({
      metadata: { name: attachmentName(handle, name, 'n1'), finalizers: ['external-attacher/disk-test'] },
      spec: { attacher: name, nodeName: 'n1', source: { persistentVolumeName: volume.metadata.name } },
      status: { attached: true, attachmentMetadata: { device: `disk-of-${handle}` } },
    })
    const volumesAttached = [{ name: `kubernetes.io/csi/${name}^${handle}`, devicePath: '' }]
    await cluster.until(async () => (await node('n1')).status?.volumesAttached !== undefined)
    expect((await node('n1')).status!.volumesAttached).toEqual(volumesAttached)
    await cluster.client.delete(Pod, { namespace, name: 'p' })
    await cluster.until(async () => (await attachments()).length === 0, 30_000, attachments)
    await cluster.until(async () => (await node('n1')).status?.volumesAttached === undefined)
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.until(async () => (await volumes()).length === 0, 30_000, volumes)
    expect(driver.calls).toEqual([
      `create ${volume.metadata.name}`,
      `publish ${handle} id-of-n1`,
      `unpublish ${handle} id-of-n1`,
      `delete ${handle}`,
    ])
  })

  it('is not deleted while it is attached', async () => {
    const volume = await bound()
    const handle = volume.spec.csi!.volumeHandle
    await pod('p', 'n1')
    await cluster.until(isAttached('n1'), 20_000)
    await useOn('n1', [`kubernetes.io/csi/${name}^${handle}`])
    await cluster.client.delete(Pod, { namespace, name: 'p' })
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.pass(20_000)
    expect((await volumes())[0]!.status!.phase).toBe('Released')
    expect(driver.calls.filter(c => /^(unpublish|delete)/.test(c))).toEqual([])
    await useOn('n1', [])
    await cluster.until(async () => (await volumes()).length === 0, 120_000, volumes)
    expect(driver.calls.slice(-2)).toEqual([`unpublish ${handle} id-of-n1`, `delete ${handle}`])
  })

  it('grows when it asks for more; the node does the rest', async () => {
    const volume = await bound()
    await cluster.client.patch(
      PersistentVolumeClaim,
      { namespace, name: 'c' },
      { type: 'merge', body: { spec: { resources: { requests: { storage: '3Gi' } } } } },
    )
    await cluster.until(async () => (await volumes())[0]!.spec.capacity!['storage'] === '3Gi', 20_000, volumes)
    expect((await get('c')).status).toMatchObject({
      capacity: { storage: '1Gi' },
      allocatedResources: { storage: '3Gi' },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
      conditions: [
        { type: 'Resizing', status: 'True' },
        { type: 'FileSystemResizePending', status: 'True' },
      ],
    })
    expect(driver.calls.at(-1)).toBe(`expand ${volume.spec.csi!.volumeHandle}`)
  })

  it('that asked for more than there can be says so, and grows when it asks for less', async () => {
    await bound()
    const { expandVolume } = driver
    driver.expandVolume = async request => {
      if (request.capacity_range.required_bytes <= 5 * 2 ** 30) return expandVolume(request)
      throw new PluginRefused('ControllerExpandVolume', 11, 'no disk is so large')
    }
    const ask = (storage: string) =>
      cluster.client.patch(
        PersistentVolumeClaim,
        { namespace, name: 'c' },
        { type: 'merge', body: { spec: { resources: { requests: { storage } } } } },
      )
    await ask('9Gi')
    const phase = async () => (await get('c')).status!.allocatedResourceStatuses?.['storage']
    await cluster.until(
      async () => (await phase()) === 'ControllerResizeInfeasible',
      20_000,
      () => get('c'),
    )
    expect((await get('c')).status).toMatchObject({
      allocatedResources: { storage: '9Gi' },
      conditions: [
        { type: 'Resizing' },
        {
          type: 'ControllerResizeError',
          message: expect.stringMatching(/^failed to expand pvc with .*no disk is so large/),
        },
      ],
    })
    await ask('2Gi')
    await cluster.until(
      async () => (await volumes())[0]!.spec.capacity!['storage'] === '2Gi',
      60_000,
      () => get('c'),
    )
    expect((await get('c')).status).toMatchObject({
      allocatedResources: { storage: '2Gi' },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    })
  })

  it('says why it could not be attached, and is attached when it can be', async () => {
    await bound()
    driver.failures.set('publish', new PluginRefused('ControllerPublishVolume', 13, 'the crane is broken'))
    await pod('p', 'n1')
    await cluster.until(async () => driver.calls.some(c => c.startsWith('publish')))
    await cluster.until(isAttached('n1'), 20_000, attachments)
    expect(driver.calls.filter(c => c.startsWith('publish'))).toHaveLength(2)
    const { name } = (await volumes())[0]!.metadata
    expect(await told('FailedAttachVolume')).toEqual([
      `x1: AttachVolume.Attach failed for volume "${name}" : rpc error: code = Internal desc = the crane is broken`,
    ])
    expect(await told('SuccessfulAttachVolume')).toEqual([`x1: AttachVolume.Attach succeeded for volume "${name}" `])
  })
})

describe('a volume for one node', () => {
  it('is not attached to a second one until the first has let go', async () => {
    const volume = await bound()
    const inUse = [`kubernetes.io/csi/${name}^${volume.spec.csi!.volumeHandle}`]
    await pod('p', 'n1')
    await cluster.until(isAttached('n1'), 20_000)
    await useOn('n1', inUse)
    await pod('q', 'n2')
    await cluster.pass(5_000)
    expect((await attachments()).map(a => a.spec.nodeName)).toEqual(['n1'])
    await cluster.client.delete(Pod, { namespace, name: 'p' })
    await cluster.pass(30_000)
    expect(await told('FailedAttachVolume')).toEqual([
      `x1: Multi-Attach error for volume "${volume.metadata.name}" Volume is already used by pod(s) p`,
    ])
    expect((await attachments()).map(a => a.spec.nodeName)).toEqual(['n1'])
    await useOn('n1', [])
    await cluster.until(isAttached('n2'), 60_000, attachments)
    expect((await attachments()).map(a => a.spec.nodeName)).toEqual(['n2'])
  })

  it('does not concern an attachment that somebody else has made', async () => {
    const volume = await bound()
    for (const persistentVolumeName of [volume.metadata.name, 'none'])
      await cluster.client.create(VolumeAttachment, {
        metadata: { name: `va-${persistentVolumeName}` },
        spec: { attacher: 'else.test', nodeName: 'n1', source: { persistentVolumeName } },
      })
    await cluster.pass(30_000)
    expect((await attachments()).map(a => a.metadata.deletionTimestamp)).toEqual([undefined, undefined])
  })

  it('is taken from a node that does not answer after six minutes, or when it is declared off', async () => {
    const volume = await bound()
    const inUse = [`kubernetes.io/csi/${name}^${volume.spec.csi!.volumeHandle}`]
    await pod('p', 'n1')
    await cluster.until(isAttached('n1'), 20_000)
    const found = await node('n1')
    const conditions = [{ type: 'Ready', status: 'Unknown' }]
    await cluster.client.updateStatus(Node, { ...found, status: { ...found.status, conditions, volumesInUse: inUse } })
    await cluster.client.delete(Pod, { namespace, name: 'p' }, { gracePeriodSeconds: 0 })
    await cluster.pass(340_000)
    expect(await attachments()).toHaveLength(1)
    await cluster.until(async () => (await attachments()).length === 0, 60_000, attachments)
  })
})
