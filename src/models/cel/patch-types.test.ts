import { expect, test } from 'vitest'
import { CelCompileError, cel, compileCel, jsonPatchType, patchTypes, typeNameFaults } from './index.ts'

function computed(source: string) {
  const program = compileCel(source, { variables: { object: cel.dyn }, types: patchTypes(source) })
  const object = { spec: { replicas: 2, containers: [{ name: 'a' }] } }
  const options = { costLimit: 1_000_000 }
  return {
    json: program.evaluate({ object }, options).value,
    faults: typeNameFaults(program.compute({ object }, options).value),
  }
}

test('objects are built of any fields, nested in lists and maps too', () => {
  const source = `Object{
    metadata: Object.metadata{labels: {'a': 'b'}},
    spec: Object.spec{
      replicas: object.spec.replicas + 1,
      containers: [Object.spec.containers{name: 'c', env: [Object.spec.containers.env{name: 'x'}]}],
      ?paused: optional.none()
    }
  }`
  expect(computed(source)).toEqual({
    json: {
      metadata: { labels: { a: 'b' } },
      spec: { replicas: 3, containers: [{ name: 'c', env: [{ name: 'x' }] }] },
    },
    faults: [],
  })
})

test('an object in the wrong place is told by the name of its type', () => {
  expect(computed('Object{spec: Object.specx{replicas: 1}}').faults).toEqual([
    'unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type',
  ])
  expect(computed("Object{spec: Object.spec{list: [{'k': Object.spec{}}]}}").faults).toHaveLength(1)
  expect(computed('Object.spec{selector: Object.spec.selector{}}').faults).toEqual([])
})

test('JSON patches have four fields, can be read and compared', () => {
  const all = '{op: "add", path: "/a", from: "/b", value: 1}'
  expect(computed(`[JSONPatch${all}]`).json).toEqual([{ op: 'add', path: '/a', from: '/b', value: 1 }])
  expect(computed(`JSONPatch${all} == JSONPatch${all} && JSONPatch{} == JSONPatch{}`).json).toBe(true)
  expect(computed(`JSONPatch${all} == JSONPatch{op: "add", path: "/a", value: 1}`).json).toBe(false)
  expect(computed(`has(JSONPatch${all}.from) && !has(JSONPatch{}.op) && JSONPatch${all}.path == '/a'`).json).toBe(true)
  expect(() => computed('JSONPatch{oq: "add"}')).toThrow("undefined field 'oq'")
  expect(() => computed('JSONPatch{op: 1}')).toThrow(
    "expected type of field 'op' is 'string' but provided type is 'int'",
  )
})

test.each([
  ['"I am a teapot!"', 'must evaluate to Object'],
  ['Object.spec{}', 'must evaluate to Object'],
])('%s is no object', (source, message) => {
  const types = patchTypes(source)
  const compile = () => compileCel(source, { variables: {}, types, result: types.get('Object')! })
  expect(compile).toThrow(CelCompileError)
  expect(compile).toThrow(message)
  expect(() => compileCel(source, { variables: {}, types, result: cel.list(jsonPatchType) })).toThrow(
    'must evaluate to list(JSONPatch)',
  )
})
