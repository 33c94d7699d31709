import { describe, expect, test } from 'vitest'
import { gpuDevicesAnnotation, gpuMilliResource } from '../gpu/gpu-request.ts'
import { makeNode, makePod, makeScene, type PodSketch } from '../testing/index.ts'

const gpuNode = (name: string, devices: number, more: Record<string, string> = {}, model = 'A10') =>
  makeNode(name, {
    labels: { 'optiflow.dev/gpu-model': model },
    // As the API writes 1000 and its multiples.
    allocatable: { cpu: '64', memory: '256Gi', [gpuMilliResource]: `${devices}k`, ...more },
  })
const milli = (amount: number, more: PodSketch = {}): PodSketch => ({
  ...more,
  requests: { cpu: '1', memory: '1Gi', [gpuMilliResource]: `${amount}`, ...more.requests },
})
const on = (node: string, devices: string, sketch: PodSketch): PodSketch => ({
  ...sketch,
  on: node,
  annotations: { [gpuDevicesAnnotation]: devices },
})

describe('GpuDevices', () => {
  const placed = (...sketches: PodSketch[]) => sketches.map((s, i) => makePod(`placed${i}`, s))
  const verdict = (pod: PodSketch, pods: PodSketch[], devices = 2, more: Record<string, string> = {}) =>
    makeScene({ nodes: [gpuNode('n', devices, more)], pods: placed(...pods) }).verdicts(makePod('p', pod))['n']

  test.each<[string, PodSketch, PodSketch[], string]>([
    ['a share fits on an empty device', milli(500), [], 'ok'],
    ['and beside another', milli(400), [on('n', '0', milli(600)), on('n', '1', milli(1_000))], 'ok'],
    [
      'not in two halves',
      milli(600),
      [on('n', '0', milli(500)), on('n', '1', milli(500))],
      'no GPU with 600 of 1000 thousandths free',
    ],
    ['whole devices', milli(2_000), [], 'ok'],
    ['not beside a share', milli(2_000), [on('n', '1', milli(1))], `Insufficient ${gpuMilliResource}`],
    ['more than there is', milli(3_000), [], `Insufficient ${gpuMilliResource}`],
    [
      'one whole device, where shares lie on both',
      milli(1_000),
      [on('n', '0', milli(400)), on('n', '1', milli(400))],
      'fewer than 1 wholly free GPUs',
    ],
    ['neither share nor whole', milli(1_500), [], `${gpuMilliResource} above 1000 that is no multiple of it`],
  ])('%s', (_title, pod, pods, expected) => expect(verdict(pod, pods)).toBe(expected))

  test("a device plugin's whole GPUs are the same devices", () => {
    const whole = { requests: { 'nvidia.com/gpu': '1' } }
    const more = { 'nvidia.com/gpu': '2' }
    expect(verdict(whole, [on('n', '0', milli(100)), on('n', '1', milli(100))], 2, more)).toBe(
      'fewer than 1 wholly free GPUs',
    )
    expect(verdict(milli(100), [on('n', '0,1', { requests: { 'nvidia.com/gpu': '2' } })], 2, more)).toBe(
      'no GPU with 100 of 1000 thousandths free',
    )
    expect(verdict(whole, [on('n', '0', milli(100))], 2, more)).toBe('ok')
  })

  test('on a node that shares nothing, whole GPUs are counted as ever', () => {
    const scene = makeScene({ nodes: [makeNode('n', { allocatable: { 'nvidia.com/gpu': '1' } })] })
    expect(scene.verdicts(makePod('p', { requests: { 'nvidia.com/gpu': '1' } }))).toEqual({ n: 'ok' })
    expect(scene.verdicts(makePod('q', milli(100)))).toEqual({ n: `Insufficient ${gpuMilliResource}` })
  })

  test('the devices chosen are written with the binding and are those that the ledger takes', () => {
    const { state, decider } = makeScene({
      nodes: [gpuNode('n', 3)],
      pods: placed(on('n', '2', milli(300)), on('n', '0', milli(600))),
    })
    const info = state.classes.admit(makePod('p', milli(400)))
    const [reservation] = decider.reserve(info, state.byName('n')!)
    expect(reservation?.annotations).toEqual({ [gpuDevicesAnnotation]: '0' })
    state.addPod(info, 'n')
    expect([...state.gpus.ledger.at(0)!.free]).toEqual([0, 1_000, 700])
    state.removePod(info, 'n')
    expect([...state.gpus.ledger.at(0)!.free]).toEqual([400, 1_000, 700])
  })

  test('what pods hold outlives a change of the node', () => {
    const { state } = makeScene({ nodes: [gpuNode('n', 2)], pods: placed(on('n', '1', milli(300))) })
    state.setNode(gpuNode('n', 3))
    expect([...state.gpus.ledger.at(0)!.free]).toEqual([1_000, 700, 1_000])
    expect(state.gpus.ledger.freeByModel).toEqual([2_700])
    state.removeNode('n')
    expect(state.gpus.ledger.freeByModel).toEqual([0])
  })
})

describe('GpuFragmentation', () => {
  /** A scene that has seen `many` pods of each sketch. */
  function experienced(nodes: ReturnType<typeof gpuNode>[], seen: PodSketch[], pods: PodSketch[] = []) {
    const scene = makeScene({ nodes, pods: pods.map((p, i) => makePod(`placed${i}`, p)) })
    for (const [i, sketch] of seen.entries())
      for (let k = 0; k < 8; k++) scene.state.see(scene.state.classes.admit(makePod(`seen${i}-${k}`, sketch)))
    return scene
  }
  const best = (scores: Record<string, number>) =>
    Object.entries(scores)
      .filter(([, score]) => score === Math.max(...Object.values(scores)))
      .map(([name]) => name)

  test('a share joins the share that it completes', () => {
    const scene = experienced(
      [gpuNode('empty', 2), gpuNode('half', 2)],
      // Few shares come: half a device may wait long for its other half.
      [milli(500), ...Array.from({ length: 15 }, () => milli(1_000))],
      [on('half', '1', milli(500))],
    )
    expect(best(scene.scores(makePod('p', milli(500)), 'GpuFragmentation'))).toEqual(['half'])
  })

  test('a pod without devices leaves the CPU beside devices to those that need both', () => {
    const rich = gpuNode('rich', 2, { cpu: '64' })
    const tight = gpuNode('tight', 2, { cpu: '16' })
    const bare = makeNode('bare', { allocatable: { cpu: '16', memory: '64Gi' } })
    const scene = experienced([tight, rich, bare], [milli(1_000, { requests: { cpu: '8' } })])
    const scores = scene.scores(makePod('p', { requests: { cpu: '8', memory: '1Gi' } }), 'GpuFragmentation')
    expect(scores['tight']).toBeLessThan(scores['rich']!)
    expect(scores['bare']).toBe(100)
  })

  test('a pod that may go anywhere keeps off the model that others depend on', () => {
    const only = { nodeSelector: { 'optiflow.dev/gpu-model': 'T4' } }
    const scene = experienced(
      [gpuNode('t', 4, {}, 'T4'), gpuNode('g', 4, {}, 'G2')],
      [milli(1_000, only), milli(1_000)],
    )
    expect(best(scene.scores(makePod('p', milli(1_000)), 'GpuFragmentation'))).toEqual(['g'])
  })

  test('an empty node is kept for the large while others will do', () => {
    const scene = experienced(
      [gpuNode('empty', 8), gpuNode('begun', 8)],
      [milli(8_000), milli(1_000)],
      [on('begun', '0', milli(1_000))],
    )
    expect(best(scene.scores(makePod('p', milli(1_000)), 'GpuFragmentation'))).toEqual(['begun'])
  })

  test('nor does it begin an empty large node because no large pod has come yet', () => {
    const scene = experienced([gpuNode('large', 8), gpuNode('small', 2)], [milli(1_000)])
    expect(best(scene.scores(makePod('p', milli(1_000)), 'GpuFragmentation'))).toEqual(['small'])
  })

  test('says nothing where no devices are shared', () => {
    const scene = experienced([makeNode('n')], [milli(500)])
    expect(scene.scores(makePod('p', {}), 'GpuFragmentation')).toEqual({})
  })
})
