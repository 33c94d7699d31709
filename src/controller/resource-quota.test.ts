import { afterEach, expect, it } from 'vitest'
import { ConfigMap, Lease, Pod, ResourceQuota, Service } from '../models/kinds/index.ts'
import { quotaApplies, usageOf } from '../models/quota-usage.ts'
import { resourceQuotaReconciler } from './resource-quota.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())
const namespace = 'default'

it('a quota shows what is used of it, and what becomes free again', async () => {
  cluster = await startTestCluster({
    reconcilers: [resourceQuotaReconciler()],
    fate: p => (p.metadata.name === 'done' ? 'succeeded' : 'pending'),
  })
  const hard = {
    pods: '5',
    'requests.cpu': '2',
    'limits.memory': '1Gi',
    configmaps: '10',
    services: '3',
    'services.nodeports': '2',
    'count/leases.coordination.k8s.io': '7',
  }
  await cluster.client.create(ResourceQuota, { metadata: { namespace, name: 'q' }, spec: { hard } })
  const status = async () => (await cluster.client.get(ResourceQuota, { namespace, name: 'q' })).status
  await cluster.until(async () => (await status())?.used?.['pods'] === '0')
  const pod = (name: string, cpu: string) =>
    cluster.client.create(Pod, {
      metadata: { namespace, name },
      spec: { containers: [{ name: 'm', image: 'i', resources: { requests: { cpu }, limits: { memory: '128Mi' } } }] },
    })
  await pod('a', '500m')
  await pod('b', '250m')
  await pod('done', '1')
  await cluster.client.create(ConfigMap, { metadata: { namespace, name: 'c' } })
  await cluster.client.create(Lease, { metadata: { namespace, name: 'l' }, spec: {} })
  await cluster.client.create(Service, {
    metadata: { namespace, name: 's' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  })
  // The API server's own Service is there too.
  const used = {
    pods: '2',
    'requests.cpu': '750m',
    'limits.memory': '256Mi',
    configmaps: '1',
    services: '2',
    'services.nodeports': '1',
    'count/leases.coordination.k8s.io': '1',
  }
  await cluster.until(async () => JSON.stringify((await status())?.used) === JSON.stringify(used), 20_000, status)
  expect((await status())!.hard).toEqual(hard)
  await cluster.client.delete(Pod, { namespace, name: 'a' })
  await cluster.until(async () => (await status())?.used?.['requests.cpu'] === '250m', 20_000, status)
})

it('scopes choose pods by how long and how urgently they run', () => {
  const pod = (spec: object) =>
    ({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [{ name: 'm' }], ...spec } }) as never
  const quota = (spec: object) => ({ spec }) as ResourceQuota
  const applies = (spec: object, p: object) => quotaApplies(quota(spec), Pod, pod(p))
  expect(applies({ scopes: ['Terminating'] }, { activeDeadlineSeconds: 5 })).toBe(true)
  expect(applies({ scopes: ['NotTerminating'] }, { activeDeadlineSeconds: 5 })).toBe(false)
  expect(applies({ scopes: ['BestEffort'] }, {})).toBe(true)
  expect(applies({ scopes: ['BestEffort', 'Terminating'] }, {})).toBe(false)
  const high = {
    scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
  }
  expect([applies(high, { priorityClassName: 'high' }), applies(high, {})]).toEqual([true, false])
  expect(quotaApplies(quota({ scopes: ['BestEffort'] }), ConfigMap, {} as never)).toBe(false)
  expect(
    usageOf(Pod, pod({ containers: [{ name: 'm', resources: { requests: { 'example.com/dongle': '3' } } }] })),
  ).toMatchObject({
    'requests.example.com/dongle': '3',
    'count/pods': '1',
    pods: '1',
  })
})

it('while pods come and go, what controllers see late never makes a quota let in too many', async () => {
  cluster = await startTestCluster({
    reconcilers: [resourceQuotaReconciler()],
    watchDelayMs: 700,
    fate: () => 'pending',
  })
  await cluster.client.create(ResourceQuota, { metadata: { namespace, name: 'q' }, spec: { hard: { pods: '4' } } })
  const used = async () => (await cluster.client.get(ResourceQuota, { namespace, name: 'q' })).status?.used?.['pods']
  await cluster.until(async () => (await used()) === '0')
  let made = 0
  for (let round = 0; round < 12; round++) {
    const create = () =>
      cluster.client
        .create(Pod, {
          metadata: { namespace, name: `p${made++}` },
          spec: { containers: [{ name: 'm', image: 'i' }] },
        })
        .catch(() => undefined)
    await Promise.all([create(), create(), create()])
    const { items } = await cluster.client.list(Pod, { namespace })
    expect(items.length).toBeLessThanOrEqual(4)
    expect(Number(await used())).toBeGreaterThanOrEqual(items.length)
    if (round % 2 && items[0])
      await cluster.client.delete(Pod, { namespace, name: items[0].metadata.name }, { gracePeriodSeconds: 0 })
    await cluster.pass(200)
  }
  await cluster.until(async () => Number(await used()) === (await cluster.client.list(Pod, { namespace })).items.length)
})
