import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Event,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../models/kinds/index.ts'
import { type MemoryDriver, memoryDriver } from '../../plugins/testing/memory-driver.ts'
import { persistentVolumeClaimReconciler } from '../persistent-volume-claim.ts'
import { startTestCluster, type TestCluster } from '../testing/cluster.ts'
import { volumeExpansionReconciler } from '../volume-expansion.ts'
import { csiReconcilers } from './index.ts'

const name = 'disk.test'
const zone = 'disk.test/zone'
const namespace = 'default'
let cluster: TestCluster
let driver: MemoryDriver

beforeEach(async () => {
  driver = memoryDriver()
  driver.room.set('a', 3 * 2 ** 30).set('b', 10 * 2 ** 30)
  cluster = await startTestCluster({
    reconcilers: [persistentVolumeClaimReconciler(), volumeExpansionReconciler(), ...csiReconcilers(name, driver)],
  })
  await cluster.client.create(CSIDriver, { metadata: { name }, spec: { storageCapacity: true } })
  for (const [node, where] of Object.entries({ n1: 'a', n2: 'b', n3: 'b' })) await join(node, where)
})
afterEach(() => cluster[Symbol.asyncDispose]())

async function join(node: string, where: string, drivers = [name]): Promise<void> {
  await cluster.client.create(Node, { metadata: { name: node, labels: { [zone]: where } }, spec: {} })
  await cluster.client.create(CSINode, {
    metadata: { name: node },
    spec: { drivers: drivers.map(name => ({ name, nodeID: node, topologyKeys: [zone] })) },
  })
}
const late = { volumeBindingMode: 'WaitForFirstConsumer' }
const addClass = (className: string, more: object = late) =>
  cluster.client.create(StorageClass, { metadata: { name: className }, provisioner: name, ...more })
/** `fast a 3Gi`, sorted. */
const told = async () =>
  (await cluster.client.list(CSIStorageCapacity)).items
    .map(c => `${c.storageClassName} ${c.nodeTopology?.matchLabels?.[zone]} ${c.capacity}`)
    .sort()
const becomes = (...expected: string[]) =>
  cluster.until(async () => (await told()).join() === expected.join(), 90_000, told)

describe('the room that a driver has', () => {
  it('is told for each class and each part of its topology, and for a new one', async () => {
    await addClass('fast')
    await becomes('fast a 3Gi', 'fast b 10Gi')
    const [one] = (await cluster.client.list(CSIStorageCapacity)).items
    expect(one!.metadata).toMatchObject({
      namespace: 'kube-system',
      name: expect.stringMatching(/^csisc-/),
      labels: { 'csi.storage.k8s.io/drivername': name, 'csi.storage.k8s.io/managed-by': 'optiflow' },
    })
    await addClass('slow')
    await becomes('fast a 3Gi', 'fast b 10Gi', 'slow a 3Gi', 'slow b 10Gi')
    driver.room.set('c', 2 ** 40)
    await join('n4', 'c')
    await becomes('fast a 3Gi', 'fast b 10Gi', 'fast c 1Ti', 'slow a 3Gi', 'slow b 10Gi', 'slow c 1Ti')
  })

  it('is asked for again each minute, and when a volume was made', async () => {
    await addClass('fast')
    await becomes('fast a 3Gi', 'fast b 10Gi')
    driver.room.set('a', 2 * 2 ** 30)
    await cluster.pass(50_000)
    expect(await told()).toEqual(['fast a 3Gi', 'fast b 10Gi'])
    await cluster.pass(15_000)
    expect(await told()).toEqual(['fast a 2Gi', 'fast b 10Gi'])
    driver.room.set('b', 9 * 2 ** 30)
    await cluster.client.create(PersistentVolumeClaim, {
      metadata: { namespace, name: 'c', annotations: { 'volume.kubernetes.io/selected-node': 'n2' } },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'fast' },
        resources: { requests: { storage: '1Gi' } },
      },
    })
    await cluster.pass(5_000)
    expect(await told()).toEqual(['fast a 2Gi', 'fast b 9Gi'])
  })

  it('is not asked for when nodes change, however often, but when the class was made anew', async () => {
    await addClass('fast')
    await becomes('fast a 3Gi', 'fast b 10Gi')
    const asked = vi.spyOn(driver, 'capacity')
    for (let i = 0; i < 10; i++) {
      const body = { metadata: { annotations: { beat: `${i}` } } }
      await cluster.client.patch(Node, { name: 'n1' }, { type: 'merge', body })
      await cluster.pass(1_000)
    }
    expect(asked).not.toHaveBeenCalled()
    await cluster.client.delete(CSINode, { name: 'n1' })
    await becomes('fast b 10Gi')
    await cluster.pass(30_000)
    expect(asked).not.toHaveBeenCalled()
    await cluster.pass(200_000)
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(3)
    expect(asked.mock.calls.length).toBeLessThanOrEqual(4)
    asked.mockClear()
    await cluster.client.delete(StorageClass, { name: 'fast' })
    await addClass('fast')
    await cluster.pass(2_000)
    expect(asked).toHaveBeenCalledOnce()
    expect(await told()).toEqual(['fast b 10Gi'])
  })

  it('is taken back where nobody is any more, and with its class; what others wrote stays', async () => {
    await addClass('fast')
    await addClass('slow')
    await becomes('fast a 3Gi', 'fast b 10Gi', 'slow a 3Gi', 'slow b 10Gi')
    await cluster.client.create(CSIStorageCapacity, {
      metadata: { namespace, name: 'theirs', labels: { 'csi.storage.k8s.io/drivername': name } },
      ...{ storageClassName: 'fast', nodeTopology: { matchLabels: { [zone]: 'x' } }, capacity: '1Gi' },
    })
    await cluster.client.delete(CSINode, { name: 'n1' })
    await becomes('fast b 10Gi', 'fast x 1Gi', 'slow b 10Gi')
    await cluster.client.delete(CSINode, { name: 'n2' })
    await cluster.pass(2_000)
    expect(await told()).toEqual(['fast b 10Gi', 'fast x 1Gi', 'slow b 10Gi'])
    await cluster.client.delete(StorageClass, { name: 'slow' })
    await becomes('fast b 10Gi', 'fast x 1Gi')
  })

  it('is written again when somebody deletes or changes it', async () => {
    await addClass('fast')
    await becomes('fast a 3Gi', 'fast b 10Gi')
    const [one] = (await cluster.client.list(CSIStorageCapacity)).items
    await cluster.client.delete(CSIStorageCapacity, { namespace: 'kube-system', name: one!.metadata.name })
    await becomes('fast a 3Gi', 'fast b 10Gi')
    await cluster.client.patch(
      CSIStorageCapacity,
      { namespace: 'kube-system', name: one!.metadata.name },
      { type: 'merge', body: { capacity: '7Gi' } },
    )
    await becomes('fast a 3Gi', 'fast b 10Gi')
  })

  it.each<[string, () => unknown]>([
    ['of a class whose volumes are made at once', () => addClass('fast', { volumeBindingMode: 'Immediate' })],
    ['of another driver', () => addClass('fast', { ...late, provisioner: 'else.test' })],
    [
      'of a driver that cannot tell',
      async () => {
        driver.cannot.add('GET_CAPACITY')
        await addClass('fast')
      },
    ],
    [
      'of a driver whose CSIDriver does not ask for it',
      async () => {
        const body = { spec: { storageCapacity: false } }
        await cluster.client.patch(CSIDriver, { name }, { type: 'merge', body })
        await addClass('fast')
      },
    ],
  ])('is not told %s', async (_, arrange) => {
    await arrange()
    await cluster.pass(5_000)
    expect(await told()).toEqual([])
  })
})

describe('the health of a volume', () => {
  const events = async () =>
    (await cluster.client.list(Event, { namespace })).items
      .filter(e => e.reason?.startsWith('VolumeCondition'))
      .map(e => `${e.type} ${e.reason} x${e.count}: ${e.message}`)
  const bound = async () => {
    await addClass('now', { volumeBindingMode: 'Immediate', allowVolumeExpansion: true })
    await cluster.client.create(PersistentVolumeClaim, {
      metadata: { namespace, name: 'c' },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'now' },
        resources: { requests: { storage: '1Gi' } },
      },
    })
    const isBound = async () =>
      (await cluster.client.get(PersistentVolumeClaim, { namespace, name: 'c' })).status?.phase === 'Bound'
    await cluster.until(isBound)
    const [volume] = (await cluster.client.list(PersistentVolume)).items
    await cluster.client.updateStatus(PersistentVolume, { ...volume!, status: { phase: 'Bound' } })
    return volume!.spec.csi!.volumeHandle
  }

  it.each([
    ['that lists all of them', []],
    ['that tells of one at a time', ['LIST_VOLUMES']],
  ])('is told to its claim by the word of a driver %s, until it is well again', async (_, cannot) => {
    for (const what of cannot) driver.cannot.add(what)
    const handle = await bound()
    await cluster.pass(130_000)
    expect(await events()).toEqual([])
    driver.ills.set(handle, 'a disk has bad blocks')
    await cluster.pass(130_000)
    expect(await events()).toEqual([
      expect.stringMatching(/^Warning VolumeConditionAbnormal x[12]: a disk has bad blocks$/),
    ])
    driver.ills.clear()
    await cluster.pass(130_000)
    expect((await events()).slice(1)).toEqual([
      'Normal VolumeConditionNormal x1: The Volume returns to the healthy state',
    ])
  })

  it('is not asked of a driver that does not know it', async () => {
    driver.cannot.add('VOLUME_CONDITION')
    driver.ills.set(await bound(), 'a disk has bad blocks')
    await cluster.pass(130_000)
    expect(await events()).toEqual([])
  })
})

it('people hear that a claim waits for its volume to grow, and that it does', async () => {
  await addClass('now', { volumeBindingMode: 'Immediate', allowVolumeExpansion: true })
  const key = { namespace, name: 'c' }
  await cluster.client.create(PersistentVolumeClaim, {
    metadata: key,
    spec: {
      ...{ accessModes: ['ReadWriteOnce'], storageClassName: 'now' },
      resources: { requests: { storage: '1Gi' } },
    },
  })
  await cluster.until(async () => (await cluster.client.get(PersistentVolumeClaim, key)).status?.phase === 'Bound')
  await cluster.client.patch(PersistentVolumeClaim, key, {
    type: 'merge',
    body: { spec: { resources: { requests: { storage: '2Gi' } } } },
  })
  await cluster.pass(5_000)
  const said = (await cluster.client.list(Event, { namespace })).items.map(e => `${e.reason}: ${e.message}`)
  const [volume] = (await cluster.client.list(PersistentVolume)).items
  expect(said).toEqual(
    expect.arrayContaining([
      'ExternalExpanding: waiting for an external controller to expand this PVC',
      `Resizing: External resizer is resizing volume ${volume!.metadata.name}`,
      'FileSystemResizeRequired: Require file system resize of volume on node',
    ]),
  )
})
