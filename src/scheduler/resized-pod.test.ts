import { expect, test } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { resizedPod } from './resized-pod.ts'
import { makeNode, makePod, makeScene } from './testing/index.ts'

const resizing = (asked: string, has: string, resize?: string): Pod => {
  const pod = makePod('r', { on: 'n', requests: { cpu: asked } })
  const status = { name: pod.spec.containers[0]!.name, resources: { requests: { cpu: has } } }
  return { ...pod, status: { resize, containerStatuses: [status] } } as unknown as Pod
}
const neighbour = (pod: Pod, cpu: string) =>
  makeScene({ nodes: [makeNode('n', { allocatable: { cpu: '4' } })], pods: [pod] }).verdicts(
    makePod('p', { requests: { cpu } }),
  )['n']

test.each<[string, Pod, ok: string, refused: string]>([
  ['growing, it counts as what it asks for', resizing('3', '1', 'Proposed'), '1', '1001m'],
  ['shrinking, as what it has still', resizing('1', '3', 'InProgress'), '1', '1001m'],
  ['with no hope of more, as what it has', resizing('3', '1', 'Infeasible'), '3', '3001m'],
  ['when all is done, as both', resizing('2', '2'), '2', '2001m'],
])('while a pod is resized: %s', (_title, pod, ok, refused) =>
  expect([neighbour(pod, ok), neighbour(pod, refused)]).toEqual(['ok', 'Insufficient cpu']),
)

test('the pod itself where nothing is resized, and each amount by its own', () => {
  const done = resizing('2', '2')
  expect(resizedPod(done)).toBe(done)
  const pod = resizing('1500m', '1')
  pod.status!.containerStatuses![0]!.resources!.requests!['memory'] = '1Gi'
  expect(resizedPod(pod).spec.containers[0]!.resources!.requests).toEqual({ cpu: '1500m', memory: '1Gi' })
})

test('a pod that has shrunk leaves its room to others', () => {
  const { state } = makeScene({ nodes: [makeNode('n')] })
  const before = state.classes.admit(resizing('1', '3', 'InProgress'))
  const after = state.classes.admit(resizing('1', '1'))
  expect(after.class).not.toBe(before.class)
  expect(after.class).toBe(state.classes.admit(makePod('r', { on: 'n', requests: { cpu: '1' } })).class)
})

/** @see https://github.com/kubernetes/kubernetes/blob/v1.32.13/pkg/scheduler/framework/plugins/noderesources/fit_test.go */
test.each<[string, from: object, to: object | undefined, wakes: boolean]>([
  ['less of what the pod wants', { cpu: '2' }, { cpu: '1' }, true],
  ['less of one thing and more of another', { cpu: '2', memory: '1Gi' }, { cpu: '1', memory: '2Gi' }, true],
  ['more', { cpu: '1' }, { cpu: '2' }, false],
  ['as much', { cpu: '1' }, { cpu: '1' }, false],
  ['less of something else', { cpu: '1', 'x.io/foo': '2' }, { cpu: '1', 'x.io/foo': '1' }, false],
  ['nothing any more: it is gone', { 'x.io/foo': '1' }, undefined, true],
])('a placed pod asks for %s: does that wake one that lacks CPU?', (_, from, to, wakes) => {
  const { state } = makeScene({ nodes: [makeNode('n')] })
  const placed = (requests: object) => state.classes.admit(makePod('placed', { on: 'n', requests: requests as any }))
  const waiting = state.classes.admit(makePod('p', { requests: { cpu: '1' } }))
  const event = to
    ? { type: 'pod-updated' as const, pod: placed(to), old: placed(from) }
    : { type: 'pod-removed' as const, pod: placed(from), node: 'n' }
  expect(nodeResourcesFit.wakes!(event, waiting, state)).toBe(wakes)
})
