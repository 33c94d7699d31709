import { afterEach, expect, test } from 'vitest'
import { deploymentReconciler } from '../controller/deployment.ts'
import { replicaSetReconciler } from '../controller/replica-set.ts'
import { startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { Deployment, ResourceQuota } from '../models/kinds/index.ts'
import type { AnyObject } from '../models/object.ts'
import { asking } from './asking.ts'
import { explainObject } from './explain.ts'
import { an, told } from './testing/world.ts'

let cluster: TestCluster | undefined
afterEach(() => cluster?.[Symbol.asyncDispose]())

test('a deployment whose pods a quota refuses says which one, and what to do', async () => {
  cluster = await startTestCluster({ reconcilers: [deploymentReconciler(), replicaSetReconciler()] })
  const { client, clock } = cluster
  const quota = { metadata: { name: 'none', namespace: 'default' }, spec: { hard: { pods: '0' } }, status: {} }
  await client.create(ResourceQuota, quota)
  await client.patch(
    ResourceQuota,
    { namespace: 'default', name: 'none' },
    { type: 'merge', body: { status: { hard: { pods: '0' }, used: { pods: '0' } } } },
    { subresource: 'status' },
  )
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'app:1' }] } }
  const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template }
  await client.create(Deployment, { metadata: { name: 'web', namespace: 'default' }, spec })
  const get = () => client.get(Deployment, { namespace: 'default', name: 'web' })
  await cluster.until(async () => (await get()).status?.conditions?.some(c => c.type === 'ReplicaFailure') ?? false)
  const { summary, findings } = await explainObject((await get()) as unknown as AnyObject, asking(client, clock.now()))
  expect(summary).toBe('0 of 2 replicas are available')
  expect(findings[0]).toEqual({
    mark: 'stops',
    text: expect.stringMatching(
      /^pods cannot be created: .*exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0$/,
    ),
    next: 'Raise spec.hard of ResourceQuota default/none, or ask for less.',
  })
})

test('an object that is held while it goes says by whom', async () => {
  const going = { deletionTimestamp: '2025-01-01T11:55:00Z', finalizers: ['example.com/bill', 'foregroundDeletion'] }
  expect(await told(an('ConfigMap', 'c', { metadata: going }))).toEqual([
    'it has no status: no controller has said anything about it',
    'stops: it is being deleted, since 5m, and held by metadata.finalizers: example.com/bill → Whoever set it takes it off when done; if that program is gone, take it off yourself, and do its work by hand.',
  ])
})

test('a kind that is not known tells by its conditions, good ones and bad ones, and by those of its parents', async () => {
  const conditions = [
    { type: 'Ready', status: 'False', reason: 'NoDisk', message: 'the disk is gone' },
    { type: 'Degraded', status: 'False' },
    { type: 'Stalled', status: 'True', reason: 'Waiting' },
    { type: 'Synced', status: 'Unknown' },
    { type: 'Accepted', status: 'True' },
    { type: 'Progressing', status: 'False', reason: 'Complete' },
    { type: 'Reconciling', status: 'True', reason: 'Grows' },
  ]
  const parents = [
    { parentRef: { name: 'front' }, conditions: [{ type: 'ResolvedRefs', status: 'False', message: 'no svc' }] },
  ]
  expect(await told(an('Database', 'db', { status: { conditions, parents } }, 'example.com/v1'))).toEqual([
    'it is not ready',
    'stops: Ready is False: NoDisk: the disk is gone',
    'stops: Stalled is True: Waiting',
    'stops: front: ResolvedRefs is False: no svc',
    'waits: Synced is Unknown',
    'waits: Reconciling is True: Grows',
  ])
})

test('the last warnings about this very object follow, the newest of each reason; what may not be read is said, and fails nothing', async () => {
  const event = (name: string, uid: string, lastTimestamp: string, message: string) =>
    an('Event', name, { involvedObject: { uid }, reason: 'FailedCreate', type: 'Warning', lastTimestamp, message })
  const events = [
    event('a', 'uid-web', '2025-01-01T11:58:00Z', 'first\n'),
    event('b', 'uid-of-before', '2025-01-01T11:59:00Z', 'of another'),
    event('c', 'uid-web', '2025-01-01T11:59:30Z', 'second'),
    { ...event('d', 'uid-web', '2025-01-01T11:30:00Z', 'once'), reason: 'Other' },
  ]
  const web = an('ReplicaSet', 'web', { spec: { replicas: 1 }, status: {} })
  expect(await told(web, events)).toEqual([
    '0 of 1 replicas are available',
    'warned: FailedCreate, 30s ago: second',
    'warned: Other, 30m ago: once',
  ])
  expect(await told(web, events, ['events', 'horizontalpodautoscalers'])).toEqual([
    '0 of 1 replicas are available',
    'unknown: you may not list or get horizontalpodautoscalers: what they would say is left out',
    'unknown: you may not list or get events: what they would say is left out',
  ])
})
