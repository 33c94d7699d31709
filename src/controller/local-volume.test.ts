import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { CSIStorageCapacity, Event, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../models/kinds/index.ts'
import { ephemeralVolumeReconciler } from './ephemeral-volume.ts'
import { localCapacityReconciler } from './local-capacity.ts'
import { localVolumeDeleter, localVolumeReconciler } from './local-volume.ts'
import { persistentVolumeReconciler } from './persistent-volume.ts'
import { persistentVolumeClaimReconciler } from './persistent-volume-claim.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'
import { claimProtectionReconciler, volumeProtectionReconciler } from './volume-protection.ts'

let cluster: TestCluster
const namespace = 'default'
/** What agents were asked to delete. */
const asked: string[] = []
let agentsAnswer = true

beforeEach(async () => {
  asked.length = 0
  agentsAnswer = true
  cluster = await startTestCluster({
    reconcilers: [
      persistentVolumeClaimReconciler(),
      persistentVolumeReconciler({ deleters: [localVolumeDeleter] }),
      claimProtectionReconciler(),
      volumeProtectionReconciler(),
      localVolumeReconciler(),
      localCapacityReconciler(),
      ephemeralVolumeReconciler(),
    ],
    fate: () => 'pending',
    wrapClient: client => ({
      ...client,
      async raw(method, url) {
        if (!agentsAnswer) throw new ApiError('ServiceUnavailable', 'the agent is away')
        asked.push(`${method} ${url}`)
        return { status: 200, headers: {}, body: Buffer.from('{}') } as any
      },
    }),
  })
  await node('n1', '10Gi')
})
afterEach(() => cluster[Symbol.asyncDispose]())

async function node(name: string, storage: string): Promise<void> {
  const made = await cluster.client.create(Node, {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name },
      annotations: { 'optiflow.dev/local-volumes': '/data/volumes' },
    },
    spec: {},
  })
  const status = { capacity: { 'ephemeral-storage': storage }, allocatable: { 'ephemeral-storage': storage } }
  await cluster.client.updateStatus(Node, { ...made, status })
}

const claim = (name: string, storage: string, more: object = {}) =>
  cluster.client.create(PersistentVolumeClaim, {
    metadata: { namespace, name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...more },
  })
const get = (name: string) => cluster.client.get(PersistentVolumeClaim, { namespace, name })
/** As the scheduler does when a pod that uses the claim fits there. */
const choose = (name: string, node: string) =>
  cluster.client.patch(
    PersistentVolumeClaim,
    { namespace, name },
    { type: 'merge', body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } } } },
  )
const volumes = async () => (await cluster.client.list(PersistentVolume)).items
const isBound = (name: string) => async () => (await get(name)).status?.phase === 'Bound'

describe('a claim on a fresh cluster', () => {
  it('gets the default class, waits for a pod, and then a folder of the node of that pod', async () => {
    await claim('data', '2Gi')
    await cluster.pass(3_000)
    expect((await get('data')).spec.storageClassName).toBe('local-path')
    expect(await volumes()).toEqual([])
    await choose('data', 'n1')
    await cluster.until(isBound('data'), 30_000, () => get('data'))
    const { uid } = (await get('data')).metadata
    const [volume] = await volumes()
    expect(volume).toMatchObject({
      metadata: { name: `pvc-${uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': 'local.optiflow.dev' } },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'local-path',
        local: { path: `/data/volumes/pvc-${uid}_default_data` },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] },
            ],
          },
        },
      },
    })
  })

  it('has its folder deleted by the agent of its node when it goes, as often as that takes', async () => {
    await claim('data', '2Gi')
    await cluster.pass(1_000)
    await choose('data', 'n1')
    await cluster.until(isBound('data'), 30_000)
    const { uid } = (await get('data')).metadata
    agentsAnswer = false
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'data' })
    await cluster.pass(5_000)
    expect((await volumes()).map(v => v.status?.phase)).toEqual(['Released'])
    agentsAnswer = true
    await cluster.until(async () => (await volumes()).length === 0, 60_000, volumes)
    expect(asked).toEqual([`DELETE /api/v1/nodes/n1/proxy/localVolumes/pvc-${uid}_default_data`])
  })

  it('leaves no volume behind on a node that is gone', async () => {
    await claim('data', '2Gi')
    await cluster.pass(1_000)
    await choose('data', 'n1')
    await cluster.until(isBound('data'), 30_000)
    agentsAnswer = false
    await cluster.client.delete(Node, { name: 'n1' })
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'data' })
    await cluster.until(async () => (await volumes()).length === 0, 60_000, volumes)
  })

  it('takes room of its node: the scheduler is told what is left, and too much is refused and chosen anew', async () => {
    const capacity = async () =>
      (await cluster.client.list(CSIStorageCapacity, { namespace: 'kube-system' })).items.map(c => [
        c.metadata.name,
        c.capacity,
      ])
    await cluster.pass(1_000)
    expect(await capacity()).toEqual([])
    await claim('first', '7Gi')
    await cluster.until(async () => (await capacity())[0]?.[1] === String(10 * 2 ** 30), 10_000, capacity)
    await choose('first', 'n1')
    await cluster.until(isBound('first'), 30_000)
    await cluster.until(async () => (await capacity())[0]?.[1] === String(3 * 2 ** 30), 10_000, capacity)
    expect(await capacity()).toEqual([['local-path-n1', String(3 * 2 ** 30)]])
    await claim('second', '4Gi')
    await cluster.pass(1_000)
    await choose('second', 'n1')
    await cluster.until(
      async () => !(await get('second')).metadata.annotations?.['volume.kubernetes.io/selected-node'],
      20_000,
    )
    expect(await volumes()).toHaveLength(1)
  })

  it('that many nodes could share, or that wants a bare device, gets none', async () => {
    await claim('shared', '1Gi', { accessModes: ['ReadWriteMany'] })
    await claim('block', '1Gi', { volumeMode: 'Block' })
    await cluster.pass(1_000)
    await choose('shared', 'n1')
    await choose('block', 'n1')
    await cluster.pass(10_000)
    expect(await volumes()).toEqual([])
  })

  it('does not grow: that is refused with a reason', async () => {
    await claim('data', '2Gi')
    await cluster.pass(1_000)
    await choose('data', 'n1')
    await cluster.until(isBound('data'), 30_000)
    const body = { spec: { resources: { requests: { storage: '3Gi' } } } }
    const growing = cluster.client.patch(PersistentVolumeClaim, { namespace, name: 'data' }, { type: 'merge', body })
    await expect(growing).rejects.toThrow(/storageclass that provisions the pvc must support resize/)
  })
})

describe('an ephemeral volume', () => {
  const pod = (name: string, nodeName?: string) =>
    cluster.client.create(Pod, {
      metadata: { namespace, name },
      spec: {
        ...(nodeName ? { nodeName } : {}),
        containers: [{ name: 'm', image: 'i' }],
        volumes: [
          {
            name: 'scratch',
            ephemeral: {
              volumeClaimTemplate: {
                metadata: { labels: { kind: 'scratch' } },
                spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
              },
            },
          },
        ],
      },
    })

  it('is a claim that belongs to its pod', async () => {
    const { metadata } = await pod('p')
    await cluster.until(async () => Boolean(await get('p-scratch').catch(() => undefined)))
    expect((await get('p-scratch')).metadata).toMatchObject({
      labels: { kind: 'scratch' },
      ownerReferences: [{ kind: 'Pod', name: 'p', uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
    })
  })

  it('is never a claim that somebody else made', async () => {
    await claim('q-scratch', '5Gi')
    await pod('q')
    await cluster.pass(5_000)
    const found = await get('q-scratch')
    expect(found.metadata.ownerReferences).toBeUndefined()
    expect(found.spec.resources!.requests!['storage']).toBe('5Gi')
    const { items } = await cluster.client.list(Event, { namespace })
    expect(items.filter(e => e.involvedObject.kind === 'Pod').map(e => `${e.reason}: ${e.message}`)).toEqual([
      'FailedBinding: ephemeral volume scratch: PVC default/q-scratch was not created for pod default/q (pod is not owner)',
    ])
  })

  it('does not keep a claim of its name that is not its own from being deleted', async () => {
    await claim('q-scratch', '5Gi')
    await pod('q', 'n1')
    await cluster.client.delete(PersistentVolumeClaim, { namespace, name: 'q-scratch' })
    await cluster.until(
      async () => (await get('q-scratch').catch(() => undefined))?.spec.resources?.requests?.['storage'] !== '5Gi',
    )
  })
})
