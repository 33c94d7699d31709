import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControllerRevision, Event, PersistentVolumeClaim, Pod, StatefulSet } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { statefulSetReconciler } from './stateful-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate

beforeEach(async () => {
  fate = () => 'ready'
  cluster = await startTestCluster({ reconcilers: [statefulSetReconciler()], fate: pod => fate(pod) })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'db' }
const template = (image: string) => ({
  metadata: { labels: { app: 'db' } },
  spec: { containers: [{ name: 'main', image }] },
})
const db = (spec: Partial<StatefulSet['spec']> = {}): Draft<StatefulSet> => ({
  metadata: key,
  spec: {
    serviceName: 'db',
    replicas: 3,
    selector: { matchLabels: { app: 'db' } },
    template: template('db:1'),
    ...spec,
  },
})
const get = () => cluster.client.get(StatefulSet, key)
const pods = async () =>
  (await cluster.client.list(Pod, { namespace: 'default' })).items.sort((a, b) =>
    a.metadata.name < b.metadata.name ? -1 : 1,
  )
const names = async () => (await pods()).map(p => p.metadata.name)
const images = async () => (await pods()).map(p => `${p.metadata.name}=${p.spec.containers[0]!.image}`)
const ready = (n: number) => async () => {
  const { status, metadata } = await get()
  return status?.readyReplicas === n && status.replicas === n && status.observedGeneration === metadata.generation
}
const patch = (spec: object) => cluster.client.patch(StatefulSet, key, { type: 'merge', body: { spec } })
const rolledOut =
  (image: string, n = 3) =>
  async () =>
    (await ready(n)()) && (await images()).length === n && (await images()).every(i => i.endsWith(image))
const why = async () => ({ status: (await get()).status, pods: await images() })

describe('a StatefulSet', () => {
  it('comes up one by one, each pod ready before the next, with names of their own', async () => {
    const order: string[] = []
    fate = pod => (order.includes(pod.metadata.name) ? 'ready' : 'running')
    await cluster.client.create(StatefulSet, db())
    for (const name of ['db-0', 'db-1', 'db-2']) {
      await cluster.until(async () => (await names()).includes(name), 10_000, why)
      await cluster.pass(2_000)
      expect((await names()).at(-1)).toBe(name)
      order.push(name)
      await cluster.client.patch(
        Pod,
        { ...key, name },
        { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } },
      )
    }
    await cluster.until(ready(3), 10_000, why)
    const { status } = await get()
    expect(status).toMatchObject({ replicas: 3, currentReplicas: 3, updatedReplicas: 3, availableReplicas: 3 })
    expect(status!.currentRevision).toBe(status!.updateRevision)
    const [first] = await pods()
    expect(first!.metadata.labels).toEqual({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
      'controller-revision-hash': status!.updateRevision,
    })
    const { hostname, subdomain } = first!.spec
    expect([first!.metadata.generateName, hostname, subdomain]).toEqual(['db-', 'db-0', 'db'])
    const [revision] = (await cluster.client.list(ControllerRevision, { namespace: 'default' })).items
    const hash = status!.updateRevision!.replace('db-', '')
    expect(revision!.metadata.labels).toEqual({ app: 'db', 'controller.kubernetes.io/hash': hash })
  })

  it('comes up all at once when that is allowed', async () => {
    fate = () => 'running'
    await cluster.client.create(StatefulSet, db({ podManagementPolicy: 'Parallel' }))
    await cluster.until(async () => (await names()).length === 3)
  })

  it('shrinks from the top, one by one', async () => {
    await cluster.client.create(StatefulSet, db())
    await cluster.until(ready(3))
    await patch({ replicas: 1 })
    const gone: string[] = []
    const unsubscribe = cluster.informers.for(Pod).subscribe({ deleted: pod => gone.push(pod.metadata.name) })
    await cluster.until(async () => (await ready(1)()) && (await names()).length === 1)
    unsubscribe()
    expect(gone).toEqual(['db-2', 'db-1'])
  })

  it('is updated from the top, waiting for each pod, and goes back to the revision it had', async () => {
    await cluster.client.create(StatefulSet, db())
    await cluster.until(rolledOut('db:1'))
    const before = (await get()).status!.currentRevision
    await patch({ template: template('db:2') })
    const seen: string[] = []
    await cluster.until(
      async () => {
        const now = (await images()).join(' ')
        if (seen.at(-1) !== now) seen.push(now)
        return rolledOut('db:2')()
      },
      60_000,
      why,
    )
    // No pod below is touched before the one above has its new image.
    expect(seen.some(s => s.includes('db-0=db:2') && s.includes('db:1'))).toBe(false)
    await cluster.until(async () => (await get()).status!.currentRevision === (await get()).status!.updateRevision)
    expect((await get()).status!.currentRevision).not.toBe(before)
    await patch({ template: template('db:1') })
    await cluster.until(rolledOut('db:1'), 60_000, why)
    await cluster.until(async () => (await get()).status!.currentRevision === before, 10_000, why)
    expect((await cluster.client.list(ControllerRevision, { namespace: 'default' })).items).toHaveLength(2)
  })

  it('keeps its annotations with each revision, where "kubectl rollout history" looks for the cause of a change', async () => {
    const why = { 'kubernetes.io/change-cause': 'kubectl apply --filename=db.yaml' }
    await cluster.client.create(StatefulSet, { ...db({ replicas: 0 }), metadata: { ...key, annotations: why } })
    const revisions = async () => (await cluster.client.list(ControllerRevision, { namespace: 'default' })).items
    await cluster.until(async () => (await revisions()).length === 1)
    expect((await revisions())[0]!.metadata.annotations).toEqual(why)
  })

  it('keeps the old template below its partition, also for pods that are made anew', async () => {
    await cluster.client.create(StatefulSet, db())
    await cluster.until(rolledOut('db:1'))
    await patch({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
      template: template('db:2'),
    })
    await cluster.until(
      async () => (await images()).join(' ') === 'db-0=db:1 db-1=db:1 db-2=db:2' && (await ready(3)()),
      30_000,
      why,
    )
    await cluster.client.delete(Pod, { ...key, name: 'db-0' })
    await cluster.until(
      async () => (await images()).join(' ') === 'db-0=db:1 db-1=db:1 db-2=db:2' && (await ready(3)()),
      30_000,
      why,
    )
    const { status } = await get()
    expect([status!.currentReplicas, status!.updatedReplicas]).toEqual([2, 1])
  })

  it('with OnDelete takes the new template only where a pod is deleted', async () => {
    await cluster.client.create(StatefulSet, db({ updateStrategy: { type: 'OnDelete' } }))
    await cluster.until(rolledOut('db:1'))
    await patch({ template: template('db:2') })
    await cluster.pass(5_000)
    expect((await images()).every(i => i.endsWith('db:1'))).toBe(true)
    await cluster.client.delete(Pod, { ...key, name: 'db-1' })
    await cluster.until(async () => (await images()).join(' ') === 'db-0=db:1 db-1=db:2 db-2=db:1', 30_000, why)
  })

  it('makes failed pods anew, under their name', async () => {
    await cluster.client.create(StatefulSet, db({ replicas: 2 }))
    await cluster.until(ready(2))
    const before = (await pods())[0]!.metadata.uid
    let failing = true
    fate = pod => (failing && pod.metadata.uid === before ? 'failed' : 'ready')
    await cluster.client.patch(
      Pod,
      { ...key, name: 'db-0' },
      { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } },
    )
    await cluster.until(async () => (await pods())[0]?.metadata.uid !== before && (await ready(2)()), 20_000, why)
    failing = false
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => e.reason)).toContain('RecreatingFailedPod')
  })

  it('gives a pod that waits the claim back that was taken from it', async () => {
    fate = pod => (pod.metadata.name === 'db-0' ? 'pending' : 'ready')
    const template = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }
    const spec = { ...template.spec, resources: { requests: { storage: '1Gi' } } }
    await cluster.client.create(StatefulSet, db({ volumeClaimTemplates: [{ ...template, spec }] as any }))
    const key = { namespace: 'default', name: 'data-db-0' }
    await cluster.until(async () => (await names()).includes('db-0'))
    const body = { status: { phase: 'Pending' } }
    const waiting = { namespace: 'default', name: 'db-0' }
    await cluster.client.patch(Pod, waiting, { type: 'merge', body }, { subresource: 'status' })
    const { metadata } = await cluster.client.get(PersistentVolumeClaim, key)
    const freed = { type: 'merge' as const, body: { metadata: { finalizers: null } } }
    await cluster.client.patch(PersistentVolumeClaim, key, freed)
    await cluster.client.delete(PersistentVolumeClaim, key)
    await cluster.client.patch(Pod, waiting, { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } })
    await cluster.until(async () => {
      const again = await cluster.client.get(PersistentVolumeClaim, key).catch(() => undefined)
      return again !== undefined && again.metadata.uid !== metadata.uid
    })
    expect(await names()).toEqual(['db-0'])
  })

  it('starts at the ordinal it is told', async () => {
    await cluster.client.create(StatefulSet, db({ replicas: 2, ordinals: { start: 5 } }))
    await cluster.until(async () => (await names()).join() === 'db-5,db-6' && (await ready(2)()), 20_000, why)
  })

  it('never has two pods of one ordinal while one is shutting down', async () => {
    await cluster.client.create(StatefulSet, db({ replicas: 1 }))
    await cluster.until(ready(1))
    await cluster.client.patch(
      Pod,
      { ...key, name: 'db-0' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } },
    )
    const { uid } = (await pods())[0]!.metadata
    await cluster.client.delete(Pod, { ...key, name: 'db-0' })
    await cluster.pass(60_000)
    expect((await pods()).map(p => p.metadata.uid)).toEqual([uid])
    await cluster.client.patch(
      Pod,
      { ...key, name: 'db-0' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.until(async () => (await ready(1)()) && (await pods())[0]!.metadata.uid !== uid, 20_000, why)
  })

  it('has claims for each pod, which stay or go as the policy says', async () => {
    const volumeClaimTemplates = [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' } as PersistentVolumeClaim['metadata'],
        spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } },
      },
    ]
    await cluster.client.create(
      StatefulSet,
      db({
        replicas: 2,
        volumeClaimTemplates,
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      }),
    )
    await cluster.until(ready(2), 20_000, why)
    const claims = async () => (await cluster.client.list(PersistentVolumeClaim, { namespace: 'default' })).items
    const owners = async () =>
      (await claims())
        .map(c => `${c.metadata.name}: ${c.metadata.ownerReferences?.map(r => `${r.kind} ${r.name}`).join()}`)
        .sort()
    expect(await owners()).toEqual(['data-db-0: StatefulSet db', 'data-db-1: StatefulSet db'])
    expect((await pods())[0]!.spec.volumes![0]).toMatchObject({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-db-0' },
    })
    // Held back, so that what is written in between can be seen.
    await cluster.client.patch(
      Pod,
      { ...key, name: 'db-1' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } },
    )
    await patch({ replicas: 1 })
    await cluster.until(async () => (await owners()).includes('data-db-1: Pod db-1'), 20_000, owners)
    expect((await owners())[0]).toBe('data-db-0: StatefulSet db')
    // The claim is as good as gone: a new pod must not begin with it.
    await cluster.client.patch(
      Pod,
      { ...key, name: 'db-1' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.until(async () => (await names()).length === 1)
    await patch({ replicas: 2 })
    await cluster.pass(10_000)
    expect(await names()).toEqual(['db-0'])
    const doomed = { ...key, name: 'data-db-1' }
    await cluster.client.patch(PersistentVolumeClaim, doomed, {
      type: 'merge',
      body: { metadata: { finalizers: null } },
    })
    await cluster.client.delete(PersistentVolumeClaim, doomed)
    await cluster.until(ready(2), 20_000, why)
    expect(await owners()).toEqual(['data-db-0: StatefulSet db', 'data-db-1: StatefulSet db'])
  })
})
