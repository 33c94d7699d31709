import { afterEach, describe, expect, it } from 'vitest'
import { Deployment, Event, HorizontalPodAutoscaler, Pod } from '../models/kinds/index.ts'
import type { HorizontalPodAutoscalerSpec } from '../models/types/autoscaling-v2.ts'
import { limited, type Memory } from './autoscaler-behavior.ts'
import { deploymentReconciler } from './deployment.ts'
import { horizontalPodAutoscalerReconciler } from './horizontal-pod-autoscaler.ts'
import type { MetricsSource, PodSample } from './metrics-source.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())
const key = { namespace: 'default', name: 'web' }
const labels = { app: 'web' }

/** Usage per pod in cores; undefined: the metrics API answers with an error. */
let usage: number | undefined

async function start(spec: Partial<HorizontalPodAutoscalerSpec> = {}): Promise<void> {
  const metrics: MetricsSource = {
    async resource() {
      if (usage === undefined) throw new Error('the server could not find the requested resource')
      const samples = new Map<string, PodSample>()
      for (const pod of cluster.informers.for(Pod).list())
        samples.set(pod.metadata.name, { value: usage, atMs: cluster.clock.now(), windowMs: 30_000 })
      return samples
    },
    pods: async () => new Map(),
    object: async () => 0,
    external: async () => [usage ?? 0],
  }
  cluster = await startTestCluster({
    reconcilers: [horizontalPodAutoscalerReconciler({ metrics }), deploymentReconciler(), replicaSetReconciler()],
  })
  await cluster.client.create(Deployment, {
    metadata: key,
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'm', image: 'i', resources: { requests: { memory: '1' } } }] },
      },
    },
  })
  await cluster.client.create(HorizontalPodAutoscaler, {
    metadata: key,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        { type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
      ...spec,
    },
  })
}
const size = async () => (await cluster.client.get(Deployment, key)).spec.replicas
const hpa = () => cluster.client.get(HorizontalPodAutoscaler, key)
const condition = async (type: string) => (await hpa()).status?.conditions?.find(c => c.type === type)

describe('an autoscaler', () => {
  it('grows at once, not past its limit, and shrinks only after five quiet minutes', async () => {
    usage = 0.5
    await start()
    await cluster.pass(40_000)
    expect(await size()).toBe(2)
    usage = 1
    await cluster.pass(10_000)
    expect(await size()).toBe(4)
    expect(await condition('ScalingActive')).toMatchObject({
      status: 'True',
      reason: 'ValidMetricFound',
      message:
        'the HPA was able to successfully calculate a replica count from memory resource utilization (percentage of request)',
    })
    expect((await hpa()).status!.currentMetrics).toMatchObject([
      { type: 'Resource', resource: { current: { averageUtilization: 100, averageValue: '1' } } },
    ])
    await cluster.pass(60_000)
    expect(await size()).toBe(10)
    expect(await condition('ScalingLimited')).toMatchObject({ status: 'True', reason: 'TooManyReplicas' })
    // Its kind has no generations.
    expect((await hpa()).status).not.toHaveProperty('observedGeneration')
    usage = 0.1
    await cluster.pass(240_000)
    expect(await size()).toBe(10)
    expect(await condition('AbleToScale')).toMatchObject({ reason: 'ScaleDownStabilized' })
    await cluster.pass(120_000)
    expect(await size()).toBe(2)
  })

  it('leaves the size alone and says why when nothing can be measured', async () => {
    usage = undefined
    await start()
    await cluster.pass(40_000)
    expect(await size()).toBe(2)
    const why =
      'failed to get memory utilization: unable to get metrics for resource memory: the server could not find the requested resource'
    expect(await condition('ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'FailedGetResourceMetric',
      message: `the HPA was unable to compute the replica count: ${why}`,
    })
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.filter(e => e.involvedObject.name === 'web').map(e => `${e.reason}: ${e.message}`)).toEqual(
      expect.arrayContaining([
        `FailedGetResourceMetric: ${why}`,
        `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get memory resource metric value: ${why}`,
      ]),
    )
  })

  it('keeps within its limits whatever is measured, and follows external numbers', async () => {
    usage = 35
    await start({
      minReplicas: 3,
      metrics: [
        {
          type: 'External',
          external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '5' } },
        },
      ],
    })
    const sizes = new Set<number>()
    for (let second = 0; second < 80; second++) {
      await cluster.pass(1_000)
      sizes.add((await size())!)
    }
    expect([...sizes].filter(n => n !== 2)).toEqual([3, 6, 7])
  })

  it('that shares its pods with another one scales nothing and names both', async () => {
    usage = 1
    await start()
    const { spec } = await hpa()
    await cluster.client.create(HorizontalPodAutoscaler, { metadata: { ...key, name: 'rival' }, spec })
    await cluster.pass(50_000)
    const before = await size()
    await cluster.pass(60_000)
    expect(await size()).toBe(before)
    expect(await condition('ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'AmbiguousSelector',
      message: 'pods by selector app=web are controlled by multiple HPAs: [{web default} {rival default}]',
    })
  })

  it('newly made does not shrink what it finds before five minutes are over', async () => {
    usage = 0.01
    await start({ minReplicas: 1 })
    await cluster.pass(240_000)
    expect(await size()).toBe(2)
    await cluster.pass(120_000)
    expect(await size()).toBe(1)
  })

  it('without its target says so', async () => {
    usage = 0.5
    await start({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' } })
    await cluster.pass(20_000)
    expect(await condition('AbleToScale')).toMatchObject({ status: 'False', reason: 'FailedGetScale' })
  })
})

describe('the pace', () => {
  const spec = (behavior: HorizontalPodAutoscalerSpec['behavior']) =>
    ({ spec: { minReplicas: 1, maxReplicas: 100, behavior } }) as HorizontalPodAutoscaler
  const memory = (): Memory => ({ recommendations: [], events: [] })
  it('of policies counts from the size at the beginning of their period', () => {
    const hpa = spec({ scaleUp: { policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] } })
    const m = memory()
    expect(limited(hpa, 10, 50, m, 0).replicas).toBe(14)
    m.events.push({ change: 4, atMs: 0 })
    expect(limited(hpa, 14, 50, m, 30_000)).toMatchObject({ replicas: 14, limit: { reason: 'ScaleUpLimit' } })
    expect(limited(hpa, 14, 50, m, 61_000).replicas).toBe(18)
  })
  it('of policies counts what was taken away meanwhile as well', () => {
    const hpa = spec({ scaleUp: { policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] } })
    const m = memory()
    m.events.push({ change: 4, atMs: 0 }, { change: -6, atMs: 1_000 })
    // It was 10 a minute ago, so 14 may be reached again.
    expect(limited(hpa, 8, 50, m, 30_000).replicas).toBe(14)
  })
  it('without policies is twofold or 4 at most, and the highest of lately even above the present size', () => {
    expect(limited(spec(undefined), 1, 50, memory(), 0)).toMatchObject({
      replicas: 4,
      limit: { reason: 'ScaleUpLimit' },
    })
    expect(limited(spec(undefined), 60, 500, memory(), 0)).toMatchObject({
      replicas: 100,
      limit: { reason: 'TooManyReplicas' },
    })
    const m = memory()
    m.recommendations.push({ replicas: 6, atMs: 0 })
    expect(limited(spec(undefined), 4, 3, m, 200_000)).toEqual({
      replicas: 6,
      stabilized: {
        reason: 'ScaleDownStabilized',
        message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
      },
    })
    expect(limited(spec(undefined), 4, 3, memory(), 0)).toEqual({ replicas: 3 })
  })
  it('with policies stays between the least and the most that was wanted lately', () => {
    const hpa = spec({ scaleUp: { stabilizationWindowSeconds: 60 } })
    const m = memory()
    m.recommendations.push({ replicas: 5, atMs: 0 })
    expect(limited(hpa, 4, 9, m, 30_000)).toMatchObject({ replicas: 5, stabilized: { reason: 'ScaleUpStabilized' } })
    expect(limited(hpa, 4, 2, m, 40_000)).toMatchObject({ replicas: 4, stabilized: { reason: 'ScaleDownStabilized' } })
  })
  it('takes the largest or the smallest step, or none', () => {
    const policies = [
      { type: 'Pods', value: 4, periodSeconds: 60 },
      { type: 'Percent', value: 100, periodSeconds: 60 },
    ]
    expect(limited(spec({ scaleUp: { policies } }), 10, 50, memory(), 0).replicas).toBe(20)
    expect(limited(spec({ scaleUp: { policies, selectPolicy: 'Min' } }), 10, 50, memory(), 0).replicas).toBe(14)
    expect(limited(spec({ scaleUp: { policies, selectPolicy: 'Disabled' } }), 10, 50, memory(), 0).replicas).toBe(10)
    const down = { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] }
    expect(limited(spec({ scaleDown: down }), 50, 1, memory(), 0)).toMatchObject({
      replicas: 45,
      limit: { reason: 'ScaleDownLimit' },
    })
  })
})
