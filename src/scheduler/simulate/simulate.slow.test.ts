import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { createEventRecorder } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { gpuMilliResource } from '../gpu/gpu-request.ts'
import { defaultProfile } from '../plugins/index.ts'
import { createScheduler } from '../scheduler.ts'
import { makeNode, makePod, makeScene, type PodSketch } from '../testing/index.ts'
import { randomMaker } from '../testing/random-cluster.ts'
import { simulate } from './simulate.ts'
import { fromAlibaba, parseTable, podOfLine } from './trace.ts'

const world = (nodes: ReturnType<typeof makeNode>[], pods: Pod[] = []) => {
  const { state } = makeScene({ nodes, pods })
  return { state, profiles: [defaultProfile], budgets: [] }
}
const owned = (name: string, sketch: PodSketch): Pod => {
  const pod = makePod(name, sketch)
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }
}

describe('a simulation', () => {
  test('says where pods would go, and leaves the cluster as it is', () => {
    const w = world([makeNode('n', { allocatable: { cpu: '2' } })])
    const pods = [makePod('a', { requests: { cpu: '2' } }), makePod('b', { requests: { cpu: '1' } })]
    const first = simulate(w, { pods })
    expect(first.placements).toEqual([
      { pod: 'default/a', node: 'n' },
      { pod: 'default/b', message: '0/1 nodes are available: 1 Insufficient cpu.' },
    ])
    expect(first.before['cpu']).toEqual({ allocatable: 2, requested: 0 })
    expect(first.after['cpu']).toEqual({ allocatable: 2, requested: 2 })
    expect(simulate(w, { pods })).toEqual(first)
    expect([w.state.byName('n')!.placed, w.state.classes.size]).toEqual([[], 0])
  })

  test('adds nodes, removes nodes, and moves what somebody makes anew', () => {
    const alone = makePod('alone', { on: 'old' })
    const w = world([makeNode('old')], [owned('kept', { on: 'old' }), alone])
    expect(simulate(w, { addNodes: [makeNode('new')], removeNodes: ['old'] }).placements).toEqual([
      { pod: 'default/kept', from: 'old', node: 'new' },
      { pod: 'default/alone', from: 'old', message: 'ends with its node: no controller makes it anew' },
    ])
  })

  test('gives no device to two claims', () => {
    const w = world([makeNode('n')])
    const { objects } = w.state
    const driver = 'gpu.example'
    const pool = { name: 'n', generation: 1, resourceSliceCount: 1 }
    const devices = [{ name: 'only', basic: {} }]
    objects.resourceSlices.set({ metadata: { name: 's' }, spec: { driver, pool, nodeName: 'n', devices } } as any)
    objects.deviceClasses.set({ metadata: { name: 'gpu' }, spec: {} } as any)
    const pods = ['a', 'b'].map(name => {
      const spec = { devices: { requests: [{ name: 'r', deviceClassName: 'gpu', allocationMode: 'ExactCount' }] } }
      objects.resourceClaims.set({ metadata: { namespace: 'default', name, uid: name }, spec } as any)
      return makePod(name, { resourceClaims: [{ name: 'c', resourceClaimName: name }] })
    })
    const { placements } = simulate(w, { pods })
    expect(placements).toEqual([
      { pod: 'default/a', node: 'n' },
      { pod: 'default/b', message: '0/1 nodes are available: 1 cannot allocate all claims.' },
    ])
    expect(simulate(w, { pods }).placements).toEqual(placements)
  })

  test('preempts as the scheduler would, and tries the victims elsewhere', () => {
    const small = { allocatable: { cpu: '1' } }
    const w = world([makeNode('n', small)], [owned('low', { on: 'n', requests: { cpu: '1' } })])
    const pods = [makePod('high', { priority: 10, requests: { cpu: '1' } })]
    expect(simulate(w, { pods, addNodes: [makeNode('m', { ...small, unschedulable: true })] }).placements).toEqual([
      { pod: 'default/high', node: 'n', preempts: ['default/low'] },
      {
        pod: 'default/low',
        from: 'n',
        message: '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
      },
    ])
  })
})

describe('a simulation and the live scheduler', () => {
  test('decide alike, pod for pod, on random clusters', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 25; seed++) expect(await differences(seed)).toEqual([])
  })

  async function differences(seed: number): Promise<string[]> {
    const random = seededRandom(seed)
    const make = randomMaker(random)
    const bench = createBench()
    const { api, clock, informers } = bench
    for (let i = 0; i < 8; i++) {
      const node = make.node(`n${i}`)
      if (make.chance(0.5)) node.status!.allocatable![gpuMilliResource] = `${1_000 * (1 + make.below(4))}`
      api.put(`/api/v1/nodes/n${i}`, node)
    }
    const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
    const scheduler = createScheduler({ ...bench, events })
    const started = scheduler.start()
    await clock.advance(10)
    await started
    const wrong: string[] = []
    for (let round = 0; round < 3; round++) {
      const pods = Array.from({ length: 12 }, (_, i) => pod(`p${round}-${i}`))
      const { placements } = scheduler.simulate({ pods })
      for (const one of pods) api.put(path(one.metadata.name), one)
      await clock.advance(500)
      for (const { pod, node } of placements) {
        const live = api.objects.get(path(pod.split('/')[1]!))?.['spec'].nodeName
        if (live !== node) wrong.push(`seed ${seed}: ${pod} simulated on ${node}, placed on ${live}`)
      }
      // Who found no place must not come in later rounds, where the simulation would try it again.
      for (const { pod, node } of placements) if (!node) api.remove(path(pod.split('/')[1]!))
      await clock.advance(500)
    }
    await scheduler.stop()
    await informers[Symbol.asyncDispose]()
    return wrong

    function pod(name: string): Pod {
      const amount = make.one([undefined, undefined, 200, 500, 700, 1_000, 2_000])
      const gpu: Record<string, string> = amount ? { [gpuMilliResource]: `${amount}` } : {}
      return makePod(name, { requests: { cpu: make.one(['100m', '500m', '1']), memory: '100Mi', ...gpu } })
    }
  }
  const path = (name: string) => `/api/v1/namespaces/default/pods/${name}`
})

describe('pods of recorded workloads', () => {
  test('ask by our resource and by node affinity', () => {
    const [line] = parseTable('name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\np,4000,1024,1,460,T4|P100\n')
    const { spec } = podOfLine(line!)
    expect(spec.containers[0]!.resources!.requests).toEqual({
      cpu: '4000m',
      memory: '1024Mi',
      [gpuMilliResource]: '460',
    })
    expect(
      spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms[0]!
        .matchExpressions,
    ).toEqual([{ key: 'optiflow.dev/gpu-model', operator: 'In', values: ['T4', 'P100'] }])
  })

  test("Alibaba's annotations are read, other pods left alone", () => {
    const plain = makePod('plain')
    expect(fromAlibaba(plain)).toBe(plain)
    const shared = makePod('p', {
      annotations: { 'alibabacloud.com/gpu-milli': '1000', 'alibabacloud.com/gpu-count': '2' },
    })
    expect(fromAlibaba(shared).spec.containers[0]!.resources!.requests).toEqual({ [gpuMilliResource]: '2000' })
  })
})
