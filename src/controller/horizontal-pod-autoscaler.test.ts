import { afterEach, describe, expect, it } from 'vitest'
import { Deployment, HorizontalPodAutoscaler, Pod } from '../models/kinds/index.ts'
import type { HorizontalPodAutoscalerSpec } from '../models/types/autoscaling-v2.ts'
import { limited, type Memory } from './autoscaler-behavior.ts'
import { groupPods, proposeFromPods } from './autoscaler-replicas.ts'
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
    expect(await condition('ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetResourceMetric' })
    expect((await condition('ScalingActive'))!.message).toContain('failed to get memory resource metric')
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
    await cluster.pass(20_000)
    expect(await size()).toBe(3)
    await cluster.pass(20_000)
    expect(await size()).toBe(6)
    await cluster.pass(40_000)
    expect(await size()).toBe(7)
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

describe('pods that say nothing', () => {
  const pod = (name: string, phase: string) => ({ metadata: { name }, status: { phase } }) as Pod
  const sample = (value: number): PodSample => ({ value, atMs: 0, windowMs: 1 })
  it('are taken as busy before shrinking and as idle before growing', () => {
    const pods = [pod('a', 'Running'), pod('b', 'Running'), pod('quiet', 'Running')]
    const at = (v: number) =>
      groupPods(
        pods,
        new Map([
          ['a', sample(v)],
          ['b', sample(v)],
        ]),
        false,
        0,
      )
    expect(proposeFromPods(3, at(0.2), () => 1, 1).replicas).toBe(2)
    expect(proposeFromPods(3, at(3), () => 1, 1).replicas).toBe(6)
    expect(proposeFromPods(3, at(1.05), () => 1, 1).replicas).toBe(3)
  })
})
