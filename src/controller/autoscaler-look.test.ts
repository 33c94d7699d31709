import { describe, expect, it } from 'vitest'
import type { MetricSpec } from '../models/types/autoscaling-v2.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { propose } from './autoscaler-proposals.ts'
import { usualPatience } from './autoscaler-replicas.ts'
import type { MetricsSource } from './metrics-source.ts'

/** What one metric asks for, by what is measured of which pods: the cases that Kubernetes' own calculator is held to. */

const nowMs = Date.parse('2026-01-01T12:00:00Z')
const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString()
const patience = { ...usualPatience, cpuInitializationMs: 120_000, initialReadinessMs: 10_000 }

interface PodFacts {
  ready?: boolean
  phase?: string
  /** Just begun: what it uses now says nothing yet. */
  hot?: boolean
  leaves?: boolean
}
interface Case {
  current: number
  /** Per container, in thousandths. */
  levels: number[]
  /** Of each of the two containers; none: they do not say. */
  requests?: (string | undefined)[]
  pods?: PodFacts[]
  /** Those of the samples, where they are not those of the pods. */
  names?: string[]
}

const few = (n: number): string[] => Array(n).fill('1')
const unready = { ready: false }
const hot = { hot: true }

function podsOf({ current, requests = [], pods = [] }: Case): Pod[] {
  return Array.from({ length: Math.max(current, pods.length) }, (_, i) => {
    const { ready = true, phase = 'Running', hot, leaves } = pods[i] ?? {}
    const request = requests[i]
    const container = (name: string) => ({
      ...{ name, image: 'i' },
      ...(request === undefined ? {} : { resources: { requests: { cpu: request } } }),
    })
    return {
      metadata: { name: `pod-${i}`, ...(leaves ? { deletionTimestamp: ago(1) } : {}) },
      spec: { containers: [container('container0'), container('container1')] },
      status: {
        ...{ phase, startTime: hot ? ago(5) : ago(300) },
        conditions: [
          {
            type: 'Ready',
            status: ready ? 'True' : 'False',
            lastTransitionTime: hot ? ago(5) : ready ? ago(240) : ago(300),
          },
        ],
      },
    } as Pod
  })
}

async function ask(metric: MetricSpec, given: Case, perContainer = 1) {
  const { current, levels, names } = given
  const samples = new Map(
    levels.map((level, i) => [
      names?.[i] ?? `pod-${i}`,
      { value: (level * perContainer) / 1000, atMs: nowMs, windowMs: 60_000 },
    ]),
  )
  const metrics: MetricsSource = {
    async resource() {
      if (!samples.size) throw new Error('no metrics returned from resource metrics API')
      return samples
    },
    pods: async () => samples,
    object: async () => levels[0]! / 1000,
    external: async () => levels.map(level => level / 1000),
  }
  return propose(metric, {
    ...{ namespace: 'default', metrics, patience, current, running: current, selector: 'name=pod' },
    ...{ pods: podsOf(given), nowMs, pathOf: async () => 'deployments.apps/some' },
  })
}

const cpu = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})
const qps = { name: 'qps' }
const each = (averageValue: string): MetricSpec => ({
  type: 'Pods',
  pods: { metric: qps, target: { type: 'AverageValue', averageValue } },
})
type Target = NonNullable<MetricSpec['object']>['target']
const object = (target: Target): MetricSpec => ({
  type: 'Object',
  object: { metric: qps, target, describedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'some' } },
})
const outside = (target: Target): MetricSpec => ({ type: 'External', external: { metric: qps, target } })
const value = (value: string): Target => ({ type: 'Value', value })
const average = (averageValue: string): Target => ({ type: 'AverageValue', averageValue })

const failed = { phase: 'Failed', ready: false }
const leaving = { leaves: true, ready: false }
const waiting = { phase: 'Pending', ready: false }

describe('a share of the processors that pods request', () => {
  it.each<[string, number, Case, { replicas: number; percent: number; milli: number }]>([
    ['grows', 30, { current: 3, levels: [300, 500, 700], requests: few(3) }, { replicas: 5, percent: 50, milli: 1000 }],
    [
      'grows less for a pod that is not ready',
      30,
      { current: 3, levels: [300, 500, 700], requests: few(3), pods: [unready] },
      { replicas: 4, percent: 60, milli: 1200 },
    ],
    [
      'grows less for a pod that has just begun',
      30,
      { current: 3, levels: [300, 500, 700], requests: few(3), pods: [hot] },
      { replicas: 4, percent: 60, milli: 1200 },
    ],
    [
      'does not grow for the sake of pods that are not ready',
      30,
      { current: 3, levels: [400, 500, 700], requests: few(3), pods: [{}, unready, unready] },
      { replicas: 3, percent: 40, milli: 800 },
    ],
    [
      'does not grow for the sake of pods that have just begun',
      30,
      {
        current: 3,
        levels: [400, 500, 700],
        requests: few(3),
        pods: [{}, { ...hot, ready: false }, { ...hot, ready: false }],
      },
      { replicas: 3, percent: 40, milli: 800 },
    ],
    [
      'grows without counting pods that have failed',
      30,
      { current: 2, levels: [500, 700], requests: few(4), pods: [{}, {}, failed, failed] },
      { replicas: 4, percent: 60, milli: 1200 },
    ],
    [
      'grows without counting pods that leave',
      30,
      { current: 2, levels: [500, 700], requests: few(4), pods: [{}, {}, leaving, leaving] },
      { replicas: 4, percent: 60, milli: 1200 },
    ],
    [
      'shrinks',
      50,
      { current: 5, levels: [100, 300, 500, 250, 250], requests: few(5) },
      { replicas: 3, percent: 28, milli: 560 },
    ],
    [
      'shrinks without what pods use that are not ready',
      50,
      { current: 5, levels: [100, 300, 500, 250, 250], requests: few(5), pods: [{}, {}, {}, unready, unready] },
      { replicas: 2, percent: 30, milli: 600 },
    ],
    [
      'shrinks without counting pods that have no node',
      50,
      { current: 5, levels: [100], requests: few(5), pods: [{}, waiting, waiting, waiting, waiting] },
      { replicas: 1, percent: 10, milli: 200 },
    ],
    [
      'shrinks without what pods use that have just begun',
      50,
      { current: 5, levels: [100, 300, 500, 250, 250], requests: few(5), pods: [{}, {}, {}, hot, hot] },
      { replicas: 2, percent: 30, milli: 600 },
    ],
    [
      'shrinks without counting pods that have failed',
      50,
      { current: 5, levels: [100, 300, 500, 250, 250], requests: few(7), pods: [{}, {}, {}, {}, {}, failed, failed] },
      { replicas: 3, percent: 28, milli: 560 },
    ],
    [
      'shrinks without counting pods that leave',
      50,
      { current: 5, levels: [100, 300, 500, 250, 250], requests: few(7), pods: [{}, {}, {}, {}, {}, leaving, leaving] },
      { replicas: 3, percent: 28, milli: 560 },
    ],
    [
      'changes nothing within the tolerance',
      100,
      { current: 3, levels: [1010, 1030, 1020], requests: ['0.9', '1', '1.1'] },
      { replicas: 3, percent: 102, milli: 2040 },
    ],
    [
      'leaves out samples of pods that are not there',
      100,
      { current: 4, levels: [4000, 9500, 3000, 7000, 3200, 2000], requests: few(4) },
      { replicas: 24, percent: 587, milli: 11_750 },
    ],
    [
      'takes pods without a sample as busy before it shrinks',
      100,
      { current: 4, levels: [400, 95], requests: few(4) },
      { replicas: 3, percent: 24, milli: 495 },
    ],
    [
      'changes nothing for pods without a sample where the others use what they should',
      100,
      { current: 2, levels: [1000], requests: few(2) },
      { replicas: 2, percent: 100, milli: 2000 },
    ],
    [
      'does not grow where pods without a sample could be idle',
      100,
      { current: 2, levels: [1900], requests: few(2) },
      { replicas: 2, percent: 190, milli: 3800 },
    ],
    [
      'does not shrink where pods without a sample could be busy',
      100,
      { current: 2, levels: [600], requests: few(2) },
      { replicas: 2, percent: 60, milli: 1200 },
    ],
    [
      'changes nothing where one is not ready and one has no sample',
      50,
      { current: 3, levels: [100, 450], requests: few(3), pods: [unready] },
      { replicas: 3, percent: 45, milli: 900 },
    ],
    [
      'changes nothing where one has just begun and one has no sample',
      50,
      { current: 3, levels: [100, 450], requests: few(3), pods: [hot] },
      { replicas: 3, percent: 45, milli: 900 },
    ],
    [
      'grows though one is not ready and one has no sample',
      50,
      { current: 3, levels: [100, 2000], requests: few(3), pods: [unready] },
      { replicas: 4, percent: 200, milli: 4000 },
    ],
    [
      'grows though one has just begun and one has no sample',
      50,
      { current: 3, levels: [100, 2000], requests: few(3), pods: [{ ...hot, ready: false }] },
      { replicas: 4, percent: 200, milli: 4000 },
    ],
    [
      'shrinks though one is not ready and one has no sample',
      50,
      { current: 4, levels: [100, 100, 100], requests: few(4), pods: [unready] },
      { replicas: 3, percent: 10, milli: 200 },
    ],
    [
      'changes nothing while an update has one pod more',
      50,
      { current: 2, levels: [100, 100], requests: few(3), pods: [{}, {}, {}] },
      { replicas: 2, percent: 10, milli: 200 },
    ],
    [
      'counts a pod without a sample as using all that it requests',
      50,
      { current: 4, levels: [200], requests: ['0.2', '0.2', '0.2', '0.2'] },
      { replicas: 4, percent: 100, milli: 400 },
    ],
  ])('%s', async (_, percent, given, { replicas, percent: found, milli }) => {
    const result = await ask(cpu(percent), given, 2)
    const { averageUtilization, averageValue } = result.status.resource!.current
    expect([result.replicas, averageUtilization, averageValue]).toEqual([
      ...[replicas, found, milli % 1000 ? `${milli}m` : String(milli / 1000)],
    ])
  })

  it.each([
    // Twice what is used is requested: 50 % of it. Of 55.6 % and 0.01 more it is beyond the tolerance, and less is not.
    [56, 9],
    [55, 10],
  ])('of unlike requests, at %i percent of which a little is left, asks for %i of 10', async (percent, replicas) => {
    const requests = [100, -100, 10, -10, 2, -2, 1, -1, 0, 0].map(more => `${300 + more}m`)
    const given = { current: 10, levels: Array(10).fill(150), requests }
    expect((await ask(cpu(percent), given, 2)).replicas).toBe(replicas)
  })

  it.each<[string, Case, string]>([
    [
      'without any sample',
      { current: 4, levels: [], requests: few(4) },
      'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    [
      'of pods that are not those of the samples',
      { current: 1, levels: [100], requests: few(1), names: ['an-older-pod'] },
      'failed to get cpu utilization: no metrics returned matched known pods',
    ],
    [
      'of pods none of which is ready',
      { current: 1, levels: [100], requests: few(1), pods: [waiting] },
      'failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)',
    ],
    [
      'of containers that request none',
      { current: 1, levels: [200] },
      'failed to get cpu utilization: missing request for cpu in container container0 of Pod pod-0',
    ],
  ])('%s cannot be told', async (_, given, message) => {
    await expect(ask(cpu(100), given, 2)).rejects.toThrow(message)
  })
})

describe('a metric of each pod', () => {
  it.each<[string, string, Case, number, string]>([
    ['grows', '15', { current: 3, levels: [20_000, 10_000, 30_000] }, 4, '20'],
    [
      'grows whether or not pods are ready',
      '15',
      { current: 3, levels: [50_000, 10_000, 30_000], pods: [{}, {}, { ...hot, ready: false }] },
      6,
      '30',
    ],
    [
      'grows where without those that are not ready it would shrink',
      '15',
      { current: 3, levels: [50_000, 15_000, 30_000], pods: [{ ...hot, ready: false }, {}, { ...hot, ready: false }] },
      7,
      '31666m',
    ],
    ['shrinks', '20', { current: 5, levels: Array(5).fill(12_000) }, 3, '12'],
    ['changes nothing within the tolerance', '20', { current: 3, levels: [20_000, 21_000, 21_000] }, 3, '20666m'],
    ['of one pod doubles', '4400m', { current: 1, levels: [8_600] }, 2, '8600m'],
  ])('%s', async (_, target, given, replicas, averageValue) => {
    const result = await ask(each(target), given)
    expect([result.replicas, result.status.pods!.current.averageValue]).toEqual([replicas, averageValue])
  })
})

describe('a metric of something else', () => {
  it.each<[string, Target, Case, number, string]>([
    ['grows', value('15'), { current: 3, levels: [20_000] }, 4, '20'],
    ['grows by the share for each pod', average('5'), { current: 3, levels: [20_000] }, 4, '6667m'],
    [
      'grows by as many as are ready',
      value('10'),
      { current: 3, levels: [50_000], pods: [unready, {}, unready] },
      5,
      '50',
    ],
    ['shrinks', value('20'), { current: 5, levels: [12_000] }, 3, '12'],
    ['shrinks by the share for each pod', average('2'), { current: 5, levels: [6_000] }, 3, '1200m'],
    ['changes nothing within the tolerance', value('20'), { current: 3, levels: [20_666] }, 3, '20666m'],
    ['changes nothing within the tolerance of each', average('5'), { current: 4, levels: [20_166] }, 4, '5042m'],
    ['wakes what was at rest', value('15'), { current: 0, levels: [20_000] }, 2, '20'],
    ['wakes what was at rest though it is within the tolerance', value('1'), { current: 0, levels: [1_000] }, 1, '1'],
    ['lets rest what has nothing to do', value('20'), { current: 5, levels: [0] }, 0, '0'],
  ])('%s', async (_, target, given, replicas, found) => {
    const result = await ask(object(target), given)
    const { current } = result.status.object!
    expect([result.replicas, current.value ?? current.averageValue]).toEqual([replicas, found])
  })

  it.each<[string, Target, Case, number, string]>([
    ['grows', value('6666m'), { current: 3, levels: [8_600] }, 4, '8600m'],
    [
      'counts only pods that are ready',
      value('4400m'),
      { current: 3, levels: [8_600], pods: [unready, {}, unready] },
      2,
      '8600m',
    ],
    ['grows by the share for each pod', average('2150m'), { current: 3, levels: [8_600] }, 4, '2867m'],
    ['shrinks', value('14334m'), { current: 5, levels: [8_600] }, 3, '8600m'],
    ['shrinks by the share for each pod', average('2867m'), { current: 5, levels: [8_600] }, 3, '1720m'],
    ['changes nothing within the tolerance', value('8888m'), { current: 3, levels: [8_600] }, 3, '8600m'],
    ['changes nothing within the tolerance of each', average('2900m'), { current: 3, levels: [8_600] }, 3, '2867m'],
    ['lets rest what has nothing to do', value('14400m'), { current: 5, levels: [0] }, 0, '0'],
  ])('outside the cluster %s', async (_, target, given, replicas, found) => {
    const result = await ask(outside(target), given)
    const { current } = result.status.external!
    expect([result.replicas, current.value ?? current.averageValue]).toEqual([replicas, found])
  })
})
