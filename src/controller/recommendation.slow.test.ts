import { afterEach, expect, test } from 'vitest'
import { DaemonSet, Deployment, Pod, Recommendation } from '../models/kinds/index.ts'
import { deploymentReconciler } from './deployment.ts'
import { recommendationReconciler } from './recommendation.ts'
import { replicaSetReconciler } from './replica-set.ts'
import type { PodUsage } from './right-sizing/usage-source.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let asked = 0
/** Of every container; undefined: nobody measures. */
let used: { cores: number; bytes: number } | undefined
afterEach(() => cluster?.[Symbol.asyncDispose]())

const Mi = 2 ** 20
const template = (labels: object) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'app', image: 'i', resources: { requests: { cpu: '1', memory: '1Gi' } } }] },
})

async function start(): Promise<void> {
  asked = 0
  used = { cores: 0.2, bytes: 300 * Mi }
  const usage = async (namespace: string) => {
    asked++
    if (!used) throw new Error('the server could not find the requested resource')
    const containers = [{ name: 'app', ...used }]
    const pods = cluster.informers.for(Pod).list(namespace)
    return new Map<string, PodUsage>(pods.map(p => [p.metadata.name, { atMs: cluster.clock.now(), containers }]))
  }
  cluster = await startTestCluster({
    reconcilers: [recommendationReconciler({ usage }), deploymentReconciler(), replicaSetReconciler()],
    garbageCollector: true,
  })
}

async function deploy(name: string) {
  const labels = { app: name }
  await cluster.client.create(Deployment, {
    metadata: { namespace: 'default', name },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: template(labels) },
  } as never)
}
const found = (name: string) =>
  cluster.client.get(Recommendation, { namespace: 'default', name }).catch(() => undefined)
const target = async (name: string) =>
  (await found(name))?.status?.recommendation?.containerRecommendations?.[0]?.target
const minute = 60_000

test('each workload gets a recommendation of its own, which says what its pods use and goes with it', async () => {
  await start()
  await deploy('web')
  await deploy('api')
  await cluster.until(async () => (await target('deployment-web')) !== undefined, 5 * minute)
  const web = (await found('deployment-web'))!
  expect(web.spec.targetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' })
  expect(web.metadata.ownerReferences).toEqual([expect.objectContaining({ kind: 'Deployment', name: 'web' })])
  expect(await target('deployment-web')).toEqual({ cpu: '249m', memory: '363Mi' })
  expect(web.status?.checkpoints).toEqual([expect.objectContaining({ containerName: 'app', totalSamplesCount: 2 })])
  // Both deployments by the same questions.
  const before = asked
  await cluster.pass(5 * minute)
  expect(asked - before).toBeLessThanOrEqual(7)
  await cluster.client.delete(Deployment, { namespace: 'default', name: 'web' })
  await cluster.until(async () => (await found('deployment-web')) === undefined, 5 * minute)
  expect(await found('deployment-api')).toBeDefined()
})

test('a workload that leaves its pods behind leaves no recommendation', async () => {
  await start()
  await deploy('web')
  await cluster.until(async () => (await found('deployment-web')) !== undefined, minute)
  await cluster.client.delete(Deployment, { namespace: 'default', name: 'web' }, { propagationPolicy: 'Orphan' })
  await cluster.until(async () => (await found('deployment-web')) === undefined, 5 * minute)
})

test('what is new is written every ten minutes, and nothing where nobody measures', async () => {
  await start()
  await deploy('web')
  await cluster.until(async () => (await target('deployment-web')) !== undefined, 5 * minute)
  const first = (await found('deployment-web'))!
  used = { cores: 1, bytes: 300 * Mi }
  await cluster.pass(7 * minute)
  expect((await found('deployment-web'))!.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  await cluster.pass(4 * minute)
  const second = (await found('deployment-web'))!
  expect((await target('deployment-web'))!['cpu']).not.toBe('249m')
  used = undefined
  await cluster.pass(11 * minute)
  expect((await found('deployment-web'))!.metadata.resourceVersion).toBe(second.metadata.resourceVersion)
})

test('a workload without pods, or with a name that is too long for one more word, has none', async () => {
  await start()
  const labels = { app: 'x' }
  const daemons = { selector: { matchLabels: labels }, template: template(labels) }
  await cluster.client.create(DaemonSet, {
    metadata: { namespace: 'default', name: 'a'.repeat(250) },
    spec: daemons,
  } as never)
  await cluster.client.create(DaemonSet, { metadata: { namespace: 'default', name: 'idle' }, spec: daemons } as never)
  await cluster.pass(2 * minute)
  const { items } = await cluster.client.list(Recommendation)
  expect(items.map(r => [r.metadata.name, r.status?.recommendation])).toEqual([['daemonset-idle', undefined]])
})
