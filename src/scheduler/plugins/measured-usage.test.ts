import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { readConfiguration } from '../configuration/configuration.ts'
import { makeNode, makePod, makeScene } from '../testing/index.ts'

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const profileWith = (plugins: object) => readConfiguration({ ...head, profiles: [{ plugins }] }).profiles[0]!
/** By measured usage alone, so that nothing else decides. */
const alone = profileWith({
  score: { disabled: [{ name: '*' }], enabled: [{ name: 'MeasuredUsage', weight: 1 }] },
})

/** A pod of the Deployment. */
function podOf(workload: string, name: string, cpu: string, on?: string): Pod {
  const labels = { 'pod-template-hash': 'abc' }
  const pod = makePod(name, { labels, requests: { cpu, memory: '100Mi' }, ...(on ? { on } : {}) })
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-abc`, uid: workload, controller: true }
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }
}

/** What was measured of it: cores in milli. */
function measured(workload: string, usualMillis: number, busyMillis: number) {
  const amounts = (millis: number) => ({ cpu: `${millis}m`, memory: '50Mi' })
  const container = { containerName: 'c', lowerBound: amounts(usualMillis), uncappedTarget: amounts(busyMillis) }
  return {
    metadata: { namespace: 'default', name: `deployment-${workload}` },
    status: { recommendation: { containerRecommendations: [container] } },
  } as any
}

const nodes = ['a', 'b'].map(name => makeNode(name, { allocatable: { cpu: '8', memory: '64Gi', pods: '110' } }))

describe('a score by measured usage', () => {
  test('prefers the node whose pods ask for much and use little', () => {
    const pods = [podOf('idle', 'i', '6', 'a'), podOf('hungry', 'h', '1', 'b')]
    const { state, decide } = makeScene({ nodes, pods, profile: alone })
    const next = makePod('p', { requests: { cpu: '1' } })
    expect(decide(next)).toBe('b')
    state.objects.recommendations.set(measured('idle', 200, 300))
    state.objects.recommendations.set(measured('hungry', 4_000, 5_000))
    expect(decide(next)).toBe('a')
  })

  test('keeps apart what is busy at the same times', () => {
    const pods = [podOf('web', 'w', '1', 'a'), podOf('batch', 'b', '1', 'b')]
    const { state, decide } = makeScene({ nodes, pods, profile: alone })
    state.objects.recommendations.set(measured('web', 500, 2_000))
    state.objects.recommendations.set(measured('batch', 500, 2_000))
    expect(decide(podOf('web', 'p', '1'))).toBe('b')
    expect(decide(podOf('batch', 'q', '1'))).toBe('a')
  })

  test('is off unless a profile names it, and has the weight that is given', () => {
    const weight = (plugins: object) =>
      profileWith(plugins).plugins.find(w => w.plugin.name === 'MeasuredUsage')?.weight
    expect(weight({})).toBeUndefined()
    expect(weight({ multiPoint: { enabled: [{ name: 'MeasuredUsage' }] } })).toBe(1)
    expect(weight({ score: { enabled: [{ name: 'MeasuredUsage', weight: 5 }] } })).toBe(5)
  })

  test('halves the moments in which pods want more than their node has', () => {
    const sum = (profile: ReturnType<typeof profileWith>) =>
      [1, 2, 3].reduce((all, seed) => all + overloads(profile, seed), 0)
    const plain = sum(profileWith({}))
    const byUsage = sum(profileWith({ score: { enabled: [{ name: 'MeasuredUsage', weight: 5 }] } }))
    expect(plain).toBeGreaterThan(100)
    expect(byUsage).toBeLessThan(plain / 2)
  })
})

/** 24 services on 12 nodes, whose requests say little about what they use. @returns in how many of 1,000 moments each node has too little */
function overloads(profile: ReturnType<typeof profileWith>, seed: number): number {
  const random = seededRandom(seed)
  const names = Array.from({ length: 12 }, (_, i) => `n${i}`)
  const { state, decider } = makeScene({
    nodes: names.map(name => makeNode(name, { allocatable: { cpu: '8', memory: '64Gi', pods: '110' } })),
    profile,
  })
  const services = Array.from({ length: 24 }, (_, i) => ({
    name: `s${i}`,
    replicas: 2 + Math.floor(random.next() * 6),
    requestMillis: 200 + Math.floor(random.next() * 800),
    usualMillis: 50 + Math.floor(random.next() * 800),
    sigmaMillis: 20 + Math.floor(random.next() * 480),
  }))
  for (const { name, usualMillis, sigmaMillis } of services)
    state.objects.recommendations.set(measured(name, usualMillis, usualMillis + 1.28 * sigmaMillis))
  for (const { name, replicas, requestMillis } of services)
    for (let i = 0; i < replicas; i++) {
      const info = state.classes.admit(podOf(name, `${name}-${i}`, `${requestMillis}m`))
      state.addPod(info, decider.decide(info).node!.name)
    }
  let overloaded = 0
  for (let moment = 0; moment < 1_000; moment++) {
    const loads = new Map(services.map(s => [s.name, Math.max(0, s.usualMillis + s.sigmaMillis * normal(random))]))
    for (const { placed } of state.nodes) {
      const wanted = placed.reduce((sum, { key }) => sum + loads.get(key.name.slice(0, key.name.indexOf('-')))!, 0)
      if (wanted > 8_000) overloaded++
    }
  }
  return overloaded
}

/** By Box and Muller. */
function normal(random: { next(): number }): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}
