import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { goPrinted } from './go-print.ts'
import { applyPatch } from './index.ts'
import { restoreProblem } from './restore.ts'

const inPod = (spec: unknown) => ({ spec: { template: { spec } } })
const container = (more: object) => inPod({ containers: [{ name: 'a', ...more }] })

test.each<[string, object, string]>([
  ['core/v1.ConfigMap', { metadata: { labels: 'invalid' } }, 'cannot restore map from string'],
  ['core/v1.ConfigMap', { metadata: 'x' }, 'cannot restore struct from: string'],
  ['core/v1.ConfigMap', { metadata: [] }, 'cannot restore struct from: slice'],
  ['core/v1.ConfigMap', { metadata: { finalizers: 'x' } }, 'cannot restore slice from string'],
  ['core/v1.ConfigMap', { metadata: { finalizers: 5 } }, 'cannot restore slice from int64'],
  ['core/v1.ConfigMap', { metadata: { finalizers: {} } }, 'cannot restore slice from map'],
  ['core/v1.ConfigMap', { metadata: { resourceVersion: 5 } }, 'cannot convert int64 to string'],
  ['core/v1.ConfigMap', { data: [] }, 'cannot restore map from slice'],
  ['core/v1.ConfigMap', { data: { a: 1.5 } }, 'unrecognized type: string'],
  ['core/v1.ConfigMap', { data: { a: true } }, 'unrecognized type: string'],
  ['core/v1.ConfigMap', { immutable: 'x' }, 'unrecognized type: bool'],
  ['apps/v1.Deployment', { spec: { replicas: 'x' } }, 'unrecognized type: int32'],
  ['apps/v1.Deployment', { spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  ['apps/v1.Deployment', inPod({ containers: 'x' }), 'cannot restore slice from string'],
  ['apps/v1.Deployment', container({ ports: [{ containerPort: '80' }] }), 'unrecognized type: int32'],
  ['apps/v1.Deployment', container({ resources: 'x' }), 'cannot restore struct from: string'],
  ['apps/v1.Deployment', inPod({ terminationGracePeriodSeconds: 'x' }), 'unrecognized type: int64'],
])('%s of %j: %s', (type, object, problem) => {
  expect(restoreProblem(typeNamed(type), object)).toBe(problem)
})

test('what fits, and what has a form of its own, has no such problem', () => {
  const object = {
    metadata: { name: 'd', labels: { a: 'b' }, creationTimestamp: 5, finalizers: null },
    ...container({ resources: { limits: { cpu: 1 } }, unknown: 5 }),
  }
  expect(restoreProblem(typeNamed('apps/v1.Deployment'), object)).toBeUndefined()
})

test('values are printed as Go prints maps and lists', () => {
  expect(goPrinted({ b: [1, 'x', null, 1.5], a: { c: true }, d: {}, e: [] })).toBe(
    'map[a:map[c:true] b:[1 x <nil> 1.5] d:map[] e:[]]',
  )
})

test.each<['json' | 'merge' | 'strategic', unknown, number, string]>([
  ['strategic', [], 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['strategic', 'x', 400, 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
  [
    'merge',
    5,
    400,
    'error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}',
  ],
  ['json', {}, 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
  [
    'json',
    ['x'],
    400,
    'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
  ],
  ['strategic', { data: { $patch: 'merge', z: '1' } }, 500, 'unknown patch type: merge in map: map[$patch:merge z:1]'],
  ['strategic', { $patch: 5 }, 500, 'unknown patch type: %!s(int64=5) in map: map[$patch:5]'],
  ['strategic', { data: { $retainKeys: 'x' } }, 400, 'invalid patch format of retainKeys'],
  [
    'strategic',
    { metadata: { '$setElementOrder/finalizers': 'x' } },
    500,
    'expected a []interface {}, but received a string',
  ],
  ['strategic', { metadata: { finalizers: [5] } }, 500, 'list element types are not identical: [[x.y/a] [5]]'],
  [
    'strategic',
    { metadata: { ownerReferences: [{ name: 'p' }] } },
    500,
    'map: map[name:p] does not contain declared merge key: uid',
  ],
])('a %s patch %j answers %i: %s', (type, patch, code, message) => {
  const current = { metadata: { finalizers: ['x.y/a'], ownerReferences: [{ uid: 'u' }] }, data: { k: 'v' } }
  expect(() => applyPatch({ schema: 'core/v1.ConfigMap' }, type, current, patch)).toThrow(
    expect.objectContaining({ code, message }),
  )
})

test.each(['json', 'strategic'] as const)('a %s patch of null changes nothing', type => {
  expect(applyPatch({ schema: 'core/v1.ConfigMap' }, type, { data: { a: 'b' } }, null)).toEqual({ data: { a: 'b' } })
})
