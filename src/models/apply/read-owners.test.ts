import { expect, test } from 'vitest'
import type { AnyObject } from '../object.ts'
import { typeNamed } from '../schema/types.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { trackUpdate, type Writer } from './managed-fields.ts'
import { readOwners } from './read-owners.ts'

const entry = (fieldsV1: unknown, more: object = {}) =>
  ({
    manager: 'm',
    operation: 'Update',
    apiVersion: 'v1',
    time: '2020-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...more,
  }) as ManagedFieldsEntry

const nonsense: [string, ManagedFieldsEntry][] = [
  ['a text', entry('x')],
  ['no text', entry('')],
  ['a number', entry(5)],
  ['a list', entry(['f:a'])],
  ['a number below', entry({ 'f:a': 5 })],
  ['a text below', entry({ 'f:a': { 'f:b': 'x' } })],
  ['a list below', entry({ 'f:a': [] })],
  ['an element without a colon', entry({ fa: {} })],
  ['an empty element', entry({ '': {} })],
  ['a key that is no JSON', entry({ 'k:x': {} })],
  ['a key that is a list', entry({ 'k:[]': {} })],
  ['a value that is no JSON', entry({ 'v:': {} })],
  ['an index that is no number', entry({ 'i:1.5': {} })],
  ['another operation', entry({ 'f:data': {} }, { operation: 'Nope' })],
  ['no version', entry({ 'f:data': {} }, { apiVersion: '' })],
  ['another form of fields', entry({ 'f:data': {} }, { fieldsType: 'X' })],
]

test.each(nonsense)('%s is no owner', (_, e) => {
  expect(readOwners([e])).toBeUndefined()
})

test('well formed elements are owners, those of later versions are passed over, of two of one manager the later counts', () => {
  const fields = { 'f:a': { '.': {}, 'k:{"a":1}': {}, 'v:"x"': {}, 'i:-1': {} }, 'z:x': {} }
  const read = readOwners([entry({ 'f:b': {} }), entry(fields), entry(null, { manager: 'n' })])
  expect(read?.map(o => [o.entry.manager, o.fields.toWire()])).toEqual([
    ['m', { 'f:a': { '.': {}, 'i:-1': {}, 'k:{"a":1}': {}, 'v:"x"': {} } }],
    ['n', {}],
  ])
})

const writer: Writer = { manager: 'me', apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' }
const configMap = (data: object, managedFields?: ManagedFieldsEntry[]): AnyObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', managedFields }, data }) as unknown as AnyObject
const owners = (o: AnyObject) => o.metadata.managedFields?.map(e => [e.manager, e.fieldsV1])

test.each(nonsense)('a sent list with %s leaves the owners who they were', (_, e) => {
  const before = configMap({ a: '1' }, [entry({ 'f:data': { 'f:a': {} } }, { manager: 'old' })])
  const after = configMap({ a: '1', b: '2' }, [e])
  trackUpdate(typeNamed('core/v1.ConfigMap'), before, after, writer)
  expect(owners(after)).toEqual([
    ['old', { 'f:data': { 'f:a': {} } }],
    ['me', { 'f:data': { 'f:b': {} } }],
  ])
  const made = configMap({ a: '1' }, [e])
  trackUpdate(typeNamed('core/v1.ConfigMap'), undefined, made, writer)
  expect(owners(made)).toEqual([['me', { 'f:data': { '.': {}, 'f:a': {} } }]])
})

test('with a subresource nobody says who owns what', () => {
  const before = configMap({ a: '1' }, [entry({ 'f:data': { 'f:a': {} } }, { manager: 'old' })])
  const after = configMap({ a: '1' }, [entry({ 'f:data': { 'f:a': {} } }, { manager: 'other' })])
  trackUpdate(typeNamed('core/v1.ConfigMap'), before, after, { ...writer, subresource: 'status' })
  expect(owners(after)).toEqual([['old', { 'f:data': { 'f:a': {} } }]])
})

test('an object without owners stays without when it is written', () => {
  const after = configMap({ a: '2' })
  trackUpdate(typeNamed('core/v1.ConfigMap'), configMap({ a: '1' }), after, writer)
  expect(after.metadata.managedFields).toBeUndefined()
})
