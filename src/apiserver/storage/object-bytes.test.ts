import { expect, test } from 'vitest'
import { sharedTree } from '../../models/apply/field-set.ts'
import type { AnyObject } from '../../models/object.ts'
import { decodeObject, encodeObject, encodeWritten, withoutRevision, withRevision } from './object-bytes.ts'

const entry = { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' }
const tree = '{"f:data":{".":{},"f:k":{}}}'
const object = (managedFields?: unknown[], rest: object = { data: { k: 'v' } }) =>
  ({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'c', resourceVersion: '7', ...(managedFields ? { managedFields } : {}) },
    ...rest,
  }) as unknown as AnyObject

test.each<[string, AnyObject]>([
  ['without owners', object()],
  ['whose owned fields are known by their text', object([{ ...entry, fieldsV1: sharedTree(tree) }])],
  ['whose owned fields were read from elsewhere', object([{ ...entry, fieldsV1: JSON.parse(tree) }])],
  [
    'with both',
    object([
      { ...entry, fieldsV1: sharedTree(tree) },
      { ...entry, manager: 'n', fieldsV1: { 'f:x': {} } },
    ]),
  ],
  ['with nothing but metadata', object([{ ...entry, fieldsV1: sharedTree(tree) }], {})],
  ['with an integer that no number holds', object([{ ...entry, fieldsV1: sharedTree(tree) }], { n: 2n ** 60n })],
])('an object %s is stored whole, and stays as it is', (_title, given) => {
  const before = structuredClone(given)
  const stored = encodeObject(given)
  expect(given).toEqual(before)
  expect(decodeObject(withRevision(stored, 7))).toEqual(before)
  expect(withoutRevision(withRevision(stored, 7))).toEqual(stored)
})

test('only an integer that no number holds makes an object one that JSON.parse would not read back', () => {
  const written = (n: unknown) => encodeWritten(object(undefined, { data: { n } })).plain
  expect([written('1234567890123456'), written(2 ** 53), written(2n ** 53n)]).toEqual([true, true, false])
})

test('stored bytes of objects that are written one after the other keep apart, whatever letters they are of', () => {
  const objects = Array.from({ length: 60 }, (_, i) => ({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: `c${i}` },
    data: { text: (i % 2 ? '語' : 'a').repeat(1 + ((i * 997) % 3_900)) },
  })) as unknown as AnyObject[]
  const stored = objects.map(encodeObject)
  expect(stored.map(decodeObject)).toEqual(objects)
  expect(stored.map(bytes => decodeObject(withRevision(bytes, 7)).metadata.resourceVersion)).toEqual(
    objects.map(() => '7'),
  )
})
