import { expect, test } from 'vitest'
import * as all from './index.ts'
import { validateMeta } from './meta.ts'

const meta = (metadata: object): any => ({ metadata: { name: 'x', namespace: 'default', uid: 'u', ...metadata } })
const told = (kind: any, metadata: object, previous?: object) =>
  validateMeta(kind, meta(metadata), previous && meta(previous)).map(e => `${e.field}: ${e.message}`)

test('most names are DNS subdomains; services, namespaces and roles have rules of their own', () => {
  expect(told(all.ConfigMap, { name: 'a.b-c' })).toEqual([])
  expect(told(all.ConfigMap, { name: 'A' })).toEqual([
    expect.stringMatching(/^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain/),
  ])
  expect(told(all.Service, { name: '1a' })).toEqual([expect.stringMatching(/a DNS-1035 label must consist of/)])
  expect(told(all.Role, { name: 'system:Node' })).toEqual([])
  expect(told(all.Role, { name: 'a/b' })).toEqual([`metadata.name: Invalid value: "a/b": may not contain '/'`])
  expect(told(all.CronJob, { name: 'a'.repeat(53) })).toEqual([
    expect.stringMatching(/must be no more than 52 characters$/),
  ])
})

test('a name is required, and a namespace where the kind has one', () => {
  expect(told(all.Pod, { name: '', namespace: undefined })).toEqual([
    'metadata.name: Required value: name or generateName is required',
    'metadata.namespace: Required value',
  ])
  expect(told(all.Node, {})).toEqual(['metadata.namespace: Forbidden: not allowed on this type'])
})

test('labels, annotations, owners and finalizers keep to their forms', () => {
  expect(told(all.Pod, { labels: { 'a b': 'c', d: 'e f' } })).toEqual([
    expect.stringMatching(/^metadata\.labels: Invalid value: "a b": name part must consist of/),
    expect.stringMatching(/^metadata\.labels: Invalid value: "e f": a valid label must be an empty string or/),
  ])
  expect(told(all.Pod, { annotations: { a: 'x'.repeat(256 * 1024) } })).toEqual([
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ])
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u', controller: true }
  expect(told(all.Pod, { ownerReferences: [owner, { ...owner, name: 'b' }] })).toEqual([
    expect.stringMatching(
      /Only one reference can have Controller set to true. Found "true" in references for Pod\/a and Pod\/b$/,
    ),
  ])
  expect(told(all.Pod, { ownerReferences: [{ apiVersion: 'v1', kind: '', name: '', uid: '' }] })).toEqual([
    'metadata.ownerReferences.kind: Invalid value: "": kind must not be empty',
    'metadata.ownerReferences.name: Invalid value: "": name must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": uid must not be empty',
  ])
})

test('finalizers of our own kinds say whose they are, and dependents cannot both go first and stay', () => {
  const unknown = 'name is neither a standard finalizer name nor is it fully qualified'
  const [names, other] = [['foregroundDeletion', 'x', 'a/b'], `metadata.finalizers[1]: Invalid value: "x": ${unknown}`]
  expect(told(all.ConfigMap, { finalizers: names })).toEqual([other])
  expect(told(all.Role, { finalizers: names }, {})).toEqual([other])
  // Kubernetes asks some kinds as if they were new, besides.
  expect(told(all.ConfigMap, { finalizers: names }, {})).toEqual([other, other])
  expect(told({ ...all.ConfigMap, custom: {} }, { finalizers: names })).toEqual([])
  expect(told(all.ConfigMap, { finalizers: ['orphan', 'foregroundDeletion'] })).toEqual([
    'metadata.finalizers: Invalid value: []string{"orphan", "foregroundDeletion"}: finalizer orphan and foregroundDeletion cannot be both set',
  ])
})

test('an object keeps its uid, and one on its way out takes no new finalizers', () => {
  // Asked of every object, and then by each kind again.
  const twice = (text: string) => [text, text]
  expect(told(all.Pod, { uid: 'other' }, {})).toEqual(twice('metadata.uid: Invalid value: "other": field is immutable'))
  const deletionTimestamp = '2026-01-01T00:00:00Z'
  expect(told(all.Pod, { deletionTimestamp, finalizers: ['c/d', 'a/b'] }, { deletionTimestamp })).toEqual(
    twice(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b", "c/d"}',
    ),
  )
})

test('the end of an object, and what it was generated from, are not a writer’s to say', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z'
  const text = 'metadata.deletionTimestamp: Invalid value: 2026-01-01 00:00:00 +0000 UTC: field is immutable'
  expect(told(all.Role, { deletionTimestamp }, {})).toEqual([text, text])
  expect(told(all.ConfigMap, { generateName: 'X_' }, {})).toEqual([
    expect.stringMatching(/^metadata\.generateName: Invalid value: "X_"/),
  ])
})

test('labels of an update are looked at by everybody', () => {
  const told4 = told(all.ConfigMap, { labels: { a: 'b c' } }, {})
  expect([told4.length, new Set(told4).size]).toEqual([4, 1])
})
