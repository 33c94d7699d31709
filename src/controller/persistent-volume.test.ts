import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Event, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../models/kinds/index.ts'
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../models/types/core-v1.ts'
import { deletionFinalizer, persistentVolumeReconciler, type VolumeDeleter } from './persistent-volume.ts'
import { persistentVolumeClaimReconciler } from './persistent-volume-claim.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { claimProtectionReconciler, volumeProtectionReconciler } from './volume-protection.ts'

let cluster: TestCluster
const deleted: string[] = []
const deleter: VolumeDeleter = {
  accepts: v => v.spec?.hostPath !== undefined,
  delete: async v => void deleted.push(v.metadata.name),
}

let fate: (pod: Pod) => PodFate

beforeEach(async () => {
  fate = () => 'ready'
  deleted.length = 0
  cluster = await startTestCluster({
    reconcilers: [
      persistentVolumeClaimReconciler(),
      persistentVolumeReconciler({ deleters: [deleter] }),
      claimProtectionReconciler(),
      volumeProtectionReconciler(),
    ],
    fate: pod => fate(pod),
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const namespace = 'default'
const volume = (name: string, storage: string, spec: Partial<PersistentVolumeSpec> = {}) =>
  cluster.client.create(PersistentVolume, {
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: `/data/${name}` },
      storageClassName: 'plain',
      ...spec,
    },
  })
const claim = (name: string, storage: string, spec: Partial<PersistentVolumeClaimSpec> = {}) =>
  cluster.client.create(PersistentVolumeClaim, {
    metadata: { namespace, name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: 'plain', ...spec },
  })
const getClaim = (name: string) => cluster.client.get(PersistentVolumeClaim, { namespace, name })
const getVolume = (name: string) => cluster.client.get(PersistentVolume, { name }).catch(() => undefined)
const bound = (name: string, to: string) => async () => {
  const { spec, status } = await getClaim(name)
  return spec!.volumeName === to && status?.phase === 'Bound' && (await getVolume(to))?.status?.phase === 'Bound'
}

describe('a claim', () => {
  it('gets the smallest volume that is large enough, and says what it has', async () => {
    await volume('large', '10Gi')
    await volume('fit', '2Gi')
    await volume('small', '500Mi')
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'fit'), 10_000, () => getClaim('c'))
    const found = await getClaim('c')
    expect(found.status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' } })
    expect(found.metadata.annotations).toMatchObject({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    })
    expect((await getVolume('fit'))!.spec!.claimRef).toMatchObject({
      kind: 'PersistentVolumeClaim',
      name: 'c',
      uid: found.metadata.uid,
    })
    await cluster.until(async () => (await getVolume('large'))!.status?.phase === 'Available')
  })

  it('gets no volume that another has, and waits for one to come', async () => {
    await volume('v', '1Gi')
    await claim('first', '1Gi')
    await cluster.until(bound('first', 'v'))
    await claim('second', '1Gi')
    await cluster.pass(5_000)
    expect((await getClaim('second')).status!.phase).toBe('Pending')
    await volume('w', '1Gi')
    await cluster.until(bound('second', 'w'))
  })

  it('many at once never share a volume', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => volume(`v${i}`, '1Gi')))
    await Promise.all(Array.from({ length: 10 }, (_, i) => claim(`c${i}`, '1Gi')))
    await cluster.until(
      async () =>
        (await cluster.client.list(PersistentVolumeClaim, { namespace })).items.every(c => c.status?.phase === 'Bound'),
      20_000,
    )
    const { items } = await cluster.client.list(PersistentVolumeClaim, { namespace })
    expect(new Set(items.map(c => c.spec!.volumeName)).size).toBe(10)
  })

  it('without class gets the default one, and is left to its provisioner', async () => {
    await cluster.client.create(StorageClass, {
      metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'example.com/disk',
      volumeBindingMode: 'Immediate',
    })
    await cluster.client.create(PersistentVolumeClaim, {
      metadata: { namespace, name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    })
    await cluster.until(
      async () =>
        (await getClaim('c')).metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] === 'example.com/disk',
    )
    const { uid, name } = (await getClaim('c')).metadata
    await volume('made', '1Gi', {
      storageClassName: 'fast',
      claimRef: { kind: 'PersistentVolumeClaim', namespace, name, uid },
    })
    await cluster.until(bound('c', 'made'), 20_000, () => getClaim('c'))
  })

  it('that waits for its first consumer is bound only when a node is chosen', async () => {
    await cluster.client.create(StorageClass, {
      metadata: { name: 'plain' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    await volume('v', '1Gi')
    await claim('c', '1Gi')
    await cluster.pass(5_000)
    expect((await getClaim('c')).spec!.volumeName).toBeUndefined()
    const annotations = { 'volume.kubernetes.io/selected-node': 'n1' }
    await cluster.client.patch(
      PersistentVolumeClaim,
      { namespace, name: 'c' },
      { type: 'merge', body: { metadata: { annotations } } },
    )
    await cluster.until(bound('c', 'v'))
  })

  it('of a class that makes no volumes says so when there is none', async () => {
    await cluster.client.create(StorageClass, {
      metadata: { name: 'plain' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'Immediate',
    })
    await claim('c', '1Gi')
    const told = async () =>
      (await cluster.client.list(Event, { namespace })).items.map(e => `${e.type} ${e.reason}: ${e.message}`)
    await cluster.until(async () => (await told()).length > 0)
    expect(await told()).toEqual([
      'Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
    ])
  })

  it('whose volume vanished is lost', async () => {
    await volume('v', '1Gi')
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    await cluster.client.patch(
      PersistentVolume,
      { name: 'v' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.client.delete(PersistentVolume, { name: 'v' })
    await cluster.client
      .patch(PersistentVolume, { name: 'v' }, { type: 'merge', body: { metadata: { finalizers: null } } })
      .catch(() => {})
    await cluster.until(
      async () => (await getClaim('c')).status!.phase === 'Lost',
      20_000,
      () => getVolume('v'),
    )
    // What was on the volume is gone, and with it what the claim had.
    expect((await getClaim('c')).status).toEqual({ phase: 'Lost' })
  })

  it('is not deleted while a pod uses it; then its volume is reclaimed', async () => {
    await volume('v', '1Gi', { persistentVolumeReclaimPolicy: 'Delete' })
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    await cluster.client.create(Pod, {
      metadata: { namespace, name: 'user' },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'm', image: 'i' }],
        volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }],
      },
    })
    await cluster.pass(1_000)
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.pass(10_000)
    expect((await getClaim('c')).metadata).toMatchObject({ finalizers: ['kubernetes.io/pvc-protection'] })
    await cluster.client.delete(Pod, { namespace, name: 'user' })
    await cluster.until(
      async () => !(await getVolume('v')),
      20_000,
      () => getVolume('v'),
    )
    expect(deleted).toEqual(['v'])
  })

  it('takes along what is on its volume though somebody has deleted that first', async () => {
    await volume('v', '1Gi', { persistentVolumeReclaimPolicy: 'Delete' })
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    await cluster.until(async () => (await getVolume('v'))!.metadata.finalizers!.includes(deletionFinalizer))
    await cluster.client.delete(PersistentVolume, { name: 'v' })
    await cluster.pass(5_000)
    expect([(await getVolume('v'))?.status?.phase, deleted]).toEqual(['Bound', []])
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.until(
      async () => !(await getVolume('v')),
      20_000,
      () => getVolume('v'),
    )
    expect(deleted).toEqual(['v'])
  })

  it('whose volume is to be retained after all leaves what is on it', async () => {
    await volume('v', '1Gi', { persistentVolumeReclaimPolicy: 'Delete' })
    await claim('c', '1Gi')
    await cluster.until(async () => (await getVolume('v'))!.metadata.finalizers!.includes(deletionFinalizer))
    const body = { spec: { persistentVolumeReclaimPolicy: 'Retain' } }
    await cluster.client.patch(PersistentVolume, { name: 'v' }, { type: 'merge', body })
    await cluster.until(async () => !(await getVolume('v'))!.metadata.finalizers!.includes(deletionFinalizer))
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.until(async () => (await getVolume('v'))?.status?.phase === 'Released')
    expect(deleted).toEqual([])
  })

  it.each<[string, Partial<PersistentVolumeSpec>, string]>([
    ['is too small', { capacity: { storage: '500Mi' } }, 'requested PV is too small'],
    ['is of another class', { storageClassName: 'other' }, 'storageClassName does not match'],
    ['is a device', { volumeMode: 'Block' }, 'incompatible volumeMode'],
    ['cannot be written to', { accessModes: ['ReadOnlyMany'] }, 'incompatible accessMode'],
  ])('does not get the volume that it names when that %s', async (_, spec, why) => {
    await volume('v', '2Gi', spec)
    await claim('c', '1Gi', { volumeName: 'v' })
    const mismatch = async () =>
      (await cluster.client.list(Event, { namespace })).items.find(e => e.reason === 'VolumeMismatch')?.message
    await cluster.until(
      async () => (await mismatch()) === `Cannot bind to requested volume "v": ${why}`,
      10_000,
      mismatch,
    )
    expect((await getClaim('c')).status?.phase).toBe('Pending')
    expect((await getVolume('v'))!.spec!.claimRef).toBeUndefined()
  })

  it('that has a volume lets go of another that was meant for it', async () => {
    await volume('v', '1Gi')
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    const { uid } = (await getClaim('c')).metadata
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: 'c', uid }
    await volume('reserved', '1Gi', { claimRef })
    await cluster.client.create(PersistentVolume, {
      metadata: { name: 'given', annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: { ...(await getVolume('v'))!.spec!, claimRef },
    })
    const { uid: _, ...unbound } = claimRef
    await cluster.until(async () => (await getVolume('given'))!.status?.phase === 'Available', 10_000)
    await cluster.until(async () => (await getVolume('reserved'))!.status?.phase === 'Available', 10_000)
    expect((await getVolume('given'))!.spec!.claimRef).toBeUndefined()
    expect((await getVolume('reserved'))!.spec!.claimRef).toEqual(unbound)
    expect(await bound('c', 'v')()).toBe(true)
  })

  it('is held by a pod that has ended and still exists, not by one without a node', async () => {
    for (const name of ['c', 'd']) await claim(name, '1Gi')
    const user = (name: string, claimName: string, spec: object) =>
      cluster.client.create(Pod, {
        metadata: { namespace, name },
        spec: {
          containers: [{ name: 'm', image: 'i' }],
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName } }],
          ...spec,
        },
      })
    fate = pod => (pod.spec.nodeName ? 'succeeded' : 'pending')
    await user('ended', 'c', { nodeName: 'n1', restartPolicy: 'Never' })
    await user('waiting', 'd', {})
    await cluster.pass(3_000)
    for (const name of ['c', 'd']) await cluster.client.delete(PersistentVolumeClaim, { namespace, name })
    await cluster.pass(3_000)
    const { items } = await cluster.client.list(PersistentVolumeClaim, { namespace })
    expect(items.map(c => c.metadata.name)).toEqual(['c'])
    await cluster.client.delete(Pod, { namespace, name: 'ended' })
    await cluster.until(async () => !(await cluster.client.list(PersistentVolumeClaim, { namespace })).items.length)
  })

  it('leaves a volume Failed that nobody can delete, and says so; one of a provisioner outside is left to that', async () => {
    await volume('v', '1Gi', {
      persistentVolumeReclaimPolicy: 'Delete',
      hostPath: undefined,
      nfs: { server: 's', path: '/' },
    })
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    const outside = { metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } } }
    await volume('w', '2Gi', {
      persistentVolumeReclaimPolicy: 'Delete',
      hostPath: undefined,
      nfs: { server: 's', path: '/' },
    })
    await cluster.client.patch(PersistentVolume, { name: 'w' }, { type: 'merge', body: outside })
    await claim('d', '2Gi')
    await cluster.until(bound('d', 'w'))
    for (const name of ['c', 'd']) await cluster.client.delete(PersistentVolumeClaim, { namespace, name })
    await cluster.until(async () => (await getVolume('v'))?.status?.phase === 'Failed')
    await cluster.pass(30_000)
    const message = 'error getting deleter volume plugin for volume "v": no deletable volume plugin matched'
    expect((await getVolume('v'))?.status).toMatchObject({ phase: 'Failed', message })
    expect((await getVolume('w'))?.status?.phase).toBe('Released')
    const { items } = await cluster.client.list(Event, {})
    expect(
      items.filter(e => e.type === 'Warning').map(e => `${e.involvedObject.name} ${e.reason}: ${e.message}`),
    ).toEqual([`v VolumeFailedDelete: ${message}`])
  })

  it('of a volume that is to be retained leaves it Released, for nobody else', async () => {
    await volume('v', '1Gi')
    await claim('c', '1Gi')
    await cluster.until(bound('c', 'v'))
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'c' })
    await cluster.until(async () => (await getVolume('v'))?.status?.phase === 'Released')
    await claim('next', '1Gi')
    await cluster.pass(5_000)
    expect((await getClaim('next')).status!.phase).toBe('Pending')
    expect(deleted).toEqual([])
  })
})
