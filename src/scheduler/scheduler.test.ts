import { afterEach, describe, expect, test } from 'vitest'
import { createEventRecorder } from '../client/index.ts'
import { createBench } from '../client/testing/index.ts'
import type { AnyObject } from '../models/object.ts'
import { createScheduler } from './scheduler.ts'
import type { SchedulerOptions } from './scheduler-options.ts'
import { makeNode, makePod, type NodeSketch, type PodSketch } from './testing/index.ts'
import { claimVolume, makeClaim, makeVolume } from './testing/storage.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

async function start(nodes: Record<string, NodeSketch>, more: Partial<SchedulerOptions> = {}) {
  const bench = createBench()
  const { api, clock } = bench
  const podPath = (name: string, namespace = 'default') => `/api/v1/namespaces/${namespace}/pods/${name}`
  const addNode = (name: string, sketch: NodeSketch = {}) => api.put(`/api/v1/nodes/${name}`, makeNode(name, sketch))
  const addPod = (name: string, sketch: PodSketch = {}) =>
    api.put(podPath(name, sketch.namespace), makePod(name, sketch))
  for (const [name, sketch] of Object.entries(nodes)) addNode(name, sketch)
  const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
  const scheduler = createScheduler({ ...bench, events, ...more })
  open.push(scheduler, bench.informers)
  const started = scheduler.start()
  await clock.advance(10)
  await started
  const pod = (name: string): AnyObject => api.objects.get(podPath(name))!
  return {
    ...bench,
    scheduler,
    addNode,
    addPod,
    pod,
    podPath,
    nodeOf: (name: string) => pod(name)?.['spec'].nodeName,
    /** `FailedScheduling: 0/1 nodes …` about one pod, in order. */
    events: (name: string) =>
      [...api.objects.values()]
        .filter(o => o['involvedObject']?.name === name)
        .map(e => `${e['reason']}: ${e['message']}`),
  }
}

const tiny: NodeSketch = { allocatable: { cpu: '1' } }

describe('the scheduler', () => {
  test('binds a pod and says so', async () => {
    const c = await start({ n: {} })
    c.addPod('p')
    await c.clock.advance(100)
    expect(c.nodeOf('p')).toBe('n')
    expect(c.events('p')).toEqual(['Scheduled: Successfully assigned default/p to n'])
    expect(c.scheduler.attempt(c.pod('p').metadata.uid)).toMatchObject({ node: 'n', number: 1, fitting: 1, nodes: 1 })
  })

  test.each(['claim', 'name'])(
    'waits for a claim by template without a word, and not a moment longer: %s last',
    async last => {
      const c = await start({ n: {} })
      const pod = c.addPod('p', { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }] })
      await c.clock.advance(5_000)
      const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid, controller: true }
      const steps = {
        claim: () =>
          c.api.put('/apis/resource.k8s.io/v1beta1/namespaces/default/resourceclaims/p-gpu', {
            metadata: { namespace: 'default', name: 'p-gpu', ownerReferences: [owner] },
            spec: { devices: {} },
          }),
        name: () => {
          const status = { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'p-gpu' }] }
          c.api.put(c.podPath('p'), { ...c.pod('p'), status })
        },
      }
      if (last === 'claim') steps.name()
      else steps.claim()
      await c.clock.advance(5_000)
      expect([c.nodeOf('p'), c.events('p')]).toEqual([undefined, []])
      steps[last as keyof typeof steps]()
      await c.clock.advance(100)
      expect([c.nodeOf('p'), c.events('p')]).toEqual(['n', ['Scheduled: Successfully assigned default/p to n']])
    },
  )

  test('leaves pods of other schedulers and pods on their way out alone', async () => {
    const c = await start({ n: {} })
    c.addPod('other', { schedulerName: 'mine' })
    c.addPod('leaving', { terminating: true })
    await c.clock.advance(1_000)
    expect([c.nodeOf('other'), c.nodeOf('leaving')]).toEqual([undefined, undefined])
  })

  test('says on pod and event why it fits nowhere, and places it as soon as it does', async () => {
    const c = await start({ a: tiny, b: { ...tiny, taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } })
    c.addPod('p', { requests: { cpu: '2' } })
    await c.clock.advance(100)
    const message =
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}. ' +
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.'
    expect(c.events('p')).toEqual([`FailedScheduling: ${message} Smallest change: cpu 2 → 1.`])
    expect(c.pod('p')['status'].conditions).toEqual([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ])
    expect(c.scheduler.attempt(c.pod('p').metadata.uid)).toMatchObject({
      message,
      refusals: [
        { plugin: 'NodeResourcesFit', reason: 'Insufficient cpu', count: 1, nodes: ['a'] },
        { plugin: 'TaintToleration', reason: 'node(s) had untolerated taint {k: v}', count: 1, nodes: ['b'] },
      ],
    })
    await c.clock.advance(60_000)
    expect(c.scheduler.stats()).toMatchObject({ unschedulable: 1, waiting: { parked: 1 } })
    c.addNode('c', {})
    await c.clock.advance(2_000)
    expect(c.nodeOf('p')).toBe('c')
  })

  test('says so when there are no nodes', async () => {
    const c = await start({})
    c.addPod('p')
    await c.clock.advance(100)
    expect(c.events('p')[0]).toContain('FailedScheduling: no nodes available to schedule pods')
  })

  test('never promises more than a node has, however many pods come at once', async () => {
    const c = await start({ a: tiny, b: tiny })
    for (let i = 0; i < 10; i++) c.addPod(`p${i}`, { requests: { cpu: '300m' } })
    await c.clock.advance(5_000)
    const nodes = Array.from({ length: 10 }, (_, i) => c.nodeOf(`p${i}`))
    expect([nodes.filter(n => n === 'a').length, nodes.filter(n => n === 'b').length]).toEqual([3, 3])
    expect(c.scheduler.stats().waiting.parked).toBe(4)
    c.api.remove(c.podPath(`p${nodes.indexOf('a')}`))
    await c.clock.advance(12_000)
    expect(c.scheduler.stats().waiting.parked).toBe(3)
  })

  test('a binding that fails is forgotten and tried again', async () => {
    const c = await start({ n: tiny })
    let failures = 2
    c.api.intercept = request => {
      if (request.url.endsWith('/binding') && failures-- > 0) throw new Error('connection reset')
      return undefined
    }
    c.addPod('p', { requests: { cpu: '1' } })
    await c.clock.advance(10_000)
    expect(c.nodeOf('p')).toBe('n')
    expect(c.scheduler.stats()).toMatchObject({ scheduled: 1, failedBindings: 2, waiting: { flying: 0 } })
  })

  test('a pod deleted while its binding is under way leaves no trace', async () => {
    const c = await start({ n: tiny })
    c.api.intercept = async request => {
      if (request.url.endsWith('p/binding')) c.api.remove(c.podPath('p'))
      return undefined
    }
    c.addPod('p', { requests: { cpu: '1' } })
    await c.clock.advance(100)
    c.addPod('q', { requests: { cpu: '1' } })
    await c.clock.advance(10_000)
    expect(c.nodeOf('q')).toBe('n')
    expect(c.scheduler.stats().waiting).toEqual({ active: 0, backoff: 0, parked: 0, gated: 0, flying: 0 })
  })

  test('counts what others have placed, and what has ended no more', async () => {
    const c = await start({ n: tiny })
    c.addPod('static', { on: 'n', requests: { cpu: '1' } })
    c.addPod('p', { requests: { cpu: '1' } })
    await c.clock.advance(1_000)
    expect(c.nodeOf('p')).toBeUndefined()
    const done = c.pod('static')
    c.api.put(c.podPath('static'), { ...done, status: { phase: 'Succeeded' } })
    await c.clock.advance(2_000)
    expect(c.nodeOf('p')).toBe('n')
  })

  test('lets a gated pod wait and places it when its gates are gone', async () => {
    const c = await start({ n: {} })
    c.addPod('p', { schedulingGates: [{ name: 'g' }] })
    await c.clock.advance(1_000)
    expect([c.nodeOf('p'), c.events('p')]).toEqual([undefined, []])
    const gated = c.pod('p')
    c.api.put(c.podPath('p'), { ...gated, spec: { ...gated['spec'], schedulingGates: [] } })
    await c.clock.advance(100)
    expect(c.nodeOf('p')).toBe('n')
  })

  test('promises a volume to a claim that waited for a node, and binds the pod once the claim is bound', async () => {
    const c = await start({ n: {} })
    const claimPath = '/api/v1/namespaces/default/persistentvolumeclaims/c'
    c.api.put('/apis/storage.k8s.io/v1/storageclasses/late', {
      kind: 'StorageClass',
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    const claim = c.api.put(claimPath, makeClaim({ name: 'c', storageClass: 'late' }))
    c.addPod('p', { volumes: [claimVolume('c')] })
    await c.clock.advance(100)
    expect(c.events('p')[0]).toContain("didn't find available persistent volumes to bind")

    c.api.put('/api/v1/persistentvolumes/v', makeVolume({ name: 'v', storageClass: 'late' }))
    await c.clock.advance(2_000)
    expect(c.api.objects.get('/api/v1/persistentvolumes/v')!['spec'].claimRef).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'c',
      uid: claim.metadata.uid,
    })
    expect(c.nodeOf('p')).toBeUndefined()
    c.api.put(claimPath, makeClaim({ name: 'c', storageClass: 'late', volume: 'v' }))
    await c.clock.advance(100)
    expect(c.nodeOf('p')).toBe('n')
  })

  test('gives up on a volume that is never bound, and tries the pod again', async () => {
    const c = await start({ n: {} })
    c.api.put('/apis/storage.k8s.io/v1/storageclasses/late', {
      kind: 'StorageClass',
      provisioner: 'd',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    const claimPath = '/api/v1/namespaces/default/persistentvolumeclaims/c'
    c.api.put(claimPath, makeClaim({ name: 'c', storageClass: 'late' }))
    c.addPod('p', { volumes: [claimVolume('c')] })
    await c.clock.advance(1_000)
    expect(c.api.objects.get(claimPath)!.metadata.annotations).toMatchObject({
      'volume.kubernetes.io/selected-node': 'n',
    })
    await c.clock.advance(600_000)
    expect(c.scheduler.stats()).toMatchObject({ failedBindings: 1, scheduled: 0 })
    expect(c.events('p')).toEqual(['FailedScheduling: binding to n failed: timed out waiting for the condition'])
  })

  test('waits no longer for the volume of a pod that is deleted meanwhile: another one may have it', async () => {
    const c = await start({ n: {} })
    c.api.put('/apis/storage.k8s.io/v1/storageclasses/late', {
      kind: 'StorageClass',
      provisioner: 'd',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    c.api.put('/api/v1/namespaces/default/persistentvolumeclaims/c', makeClaim({ name: 'c', storageClass: 'late' }))
    c.addPod('p', { volumes: [claimVolume('c')] })
    await c.clock.advance(1_000)
    expect(c.scheduler.stats().failedBindings).toBe(0)
    c.api.remove(c.podPath('p'))
    await c.clock.advance(100)
    expect(c.scheduler.stats()).toMatchObject({ failedBindings: 1, scheduled: 0, waiting: { active: 0, flying: 0 } })
    expect(c.events('p')).toEqual([])
  })

  test('chooses again as soon as a provisioner cannot make a volume on the node', async () => {
    const c = await start({ n: {} })
    c.api.put('/apis/storage.k8s.io/v1/storageclasses/late', {
      kind: 'StorageClass',
      provisioner: 'd',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    const claimPath = '/api/v1/namespaces/default/persistentvolumeclaims/c'
    c.api.put(claimPath, makeClaim({ name: 'c', storageClass: 'late' }))
    c.addPod('p', { volumes: [claimVolume('c')] })
    await c.clock.advance(1_000)
    const claim = c.api.objects.get(claimPath)!
    const { 'volume.kubernetes.io/selected-node': node, ...annotations } = claim.metadata.annotations as any
    expect(node).toBe('n')
    c.api.put(claimPath, { ...claim, metadata: { ...claim.metadata, annotations } })
    await c.clock.advance(100)
    expect(c.events('p')).toEqual([
      'FailedScheduling: binding to n failed: no volume for persistentvolumeclaim default/c can be made on node n',
    ])
  })

  test('makes room for a more important pod: victim told, node kept for the pod, others do not slip in', async () => {
    const c = await start({ n: tiny })
    c.addPod('low', { on: 'n', priority: 1, requests: { cpu: '1' } })
    await c.clock.advance(10)
    // The victim takes its time to end.
    c.api.intercept = request => {
      if (request.method !== 'DELETE') return undefined
      const low = c.pod('low')
      c.api.put(c.podPath('low'), { ...low, metadata: { ...low.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' } })
      return { status: 200, headers: {}, body: Buffer.from('{}') }
    }
    c.addPod('high', { priority: 100, requests: { cpu: '1' } })
    await c.clock.advance(100)
    expect(c.pod('low')['status'].conditions).toMatchObject([
      { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' },
    ])
    expect(c.events('low')).toEqual([`Preempted: Preempted by pod ${c.pod('high').metadata.uid} on node n`])
    expect(c.pod('high')['status'].nominatedNodeName).toBe('n')

    // The room is there, but the pod it was made for still waits for its back-off to end.
    c.api.remove(c.podPath('low'))
    c.addPod('thief', { priority: 50, requests: { cpu: '500m' } })
    await c.clock.advance(12_000)
    expect([c.nodeOf('high'), c.nodeOf('thief')]).toEqual(['n', undefined])
    expect(c.scheduler.stats().victims).toBe(1)
  })

  test('many pods that make room at once each wait for their own victims only, and end nobody twice', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, tiny]))
    const c = await start(nodes)
    for (let i = 0; i < 20; i++) c.addPod(`low${i}`, { on: `n${i}`, requests: { cpu: '1' } })
    await c.clock.advance(10)
    for (let i = 0; i < 15; i++) c.addPod(`high${i}`, { priority: 9, requests: { cpu: '1' } })
    await c.clock.advance(3_000)
    const placed = Array.from({ length: 15 }, (_, i) => c.nodeOf(`high${i}`))
    expect(new Set(placed).size).toBe(15)
    expect(placed).not.toContain(undefined)
    expect(c.scheduler.stats().victims).toBe(15)
  })

  test('a plugin that throws costs one pod its turn, not the scheduler its life', async () => {
    const faulty = {
      name: 'Faulty',
      prepare: () => true,
      filter() {
        throw new Error('mine')
      },
    }
    const profile = { schedulerName: 'faulty', plugins: [{ plugin: faulty, weight: 0 }] }
    const { defaultProfile } = await import('./plugins/index.ts')
    const c = await start({ n: {} }, { profile: [defaultProfile, profile] })
    c.addPod('bad', { schedulerName: 'faulty' })
    c.addPod('good')
    await c.clock.advance(1_000)
    expect([c.nodeOf('good'), c.events('bad')]).toEqual(['n', ['FailedScheduling: the scheduler failed: mine']])
  })

  test('explains a pod that does not exist', async () => {
    const c = await start({ a: tiny, b: {} })
    expect(c.scheduler.explain(makePod('x', { requests: { cpu: '2' } }))).toMatchObject({
      state: 'Pending',
      fitting: 1,
      byNode: [{ node: 'a', first: 'Insufficient cpu' }],
    })
  })

  test('places 3 000 pods on 1 000 nodes, evenly', async () => {
    const c = await start(Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`n${i}`, {}])))
    for (let i = 0; i < 3_000; i++) c.addPod(`p${i}`, { requests: { cpu: '1', memory: '1Gi' } })
    await c.clock.advance(2_000)
    const perNode = new Map<string, number>()
    for (let i = 0; i < 3_000; i++) perNode.set(c.nodeOf(`p${i}`), (perNode.get(c.nodeOf(`p${i}`)) ?? 0) + 1)
    expect([perNode.size, Math.min(...perNode.values()), Math.max(...perNode.values())]).toEqual([1_000, 3, 3])
  })
})
