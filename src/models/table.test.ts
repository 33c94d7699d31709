import { describe, expect, test } from 'vitest'
import { humanDuration } from './duration.ts'
import { defineKind } from './kind.ts'
import { ValidatingAdmissionPolicyBinding } from './kinds/index.ts'
import { partialListOf } from './partial.ts'
import { compareVersions, KindRegistry } from './registry.ts'
import { rowOf, tableOf } from './table.ts'

const kindOf = (group: string, version: string, kind: string) =>
  defineKind({ group, version, kind, plural: `${kind.toLowerCase()}s`, scope: 'Namespaced', schema: '' })

describe('humanDuration', () => {
  const s = 1000
  const m = 60 * s
  const h = 60 * m
  const d = 24 * h
  test.each([
    [-5 * s, '<invalid>'],
    [-1500, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [120 * s, '2m'],
    [150 * s, '2m30s'],
    [10 * m + 5 * s, '10m'],
    [179 * m, '179m'],
    [180 * m, '3h'],
    [3 * h + 5 * m, '3h5m'],
    [8 * h + 5 * m, '8h'],
    [47 * h, '47h'],
    [48 * h, '2d'],
    [53 * h, '2d5h'],
    [8 * d, '8d'],
    [729 * d, '729d'],
    [740 * d, '2y10d'],
    [8 * 365 * d, '8y'],
  ])('%d ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text)
  })
})

describe('KindRegistry', () => {
  test('finds kinds by every name, and groups in discovery order', () => {
    const kinds = [
      kindOf('x.example.com', 'v1', 'Thing'),
      kindOf('apps', 'v1beta1', 'Deployment'),
      kindOf('apps', 'v1', 'Deployment'),
      kindOf('', 'v1', 'Pod'),
      kindOf('batch', 'v1', 'Job'),
    ]
    const registry = new KindRegistry(kinds)
    expect(registry.byResource('apps', 'v1', 'deployments')).toBe(kinds[2])
    expect(registry.byKind('', 'v1', 'Pod')).toBe(kinds[3])
    expect(registry.byApiVersion('apps/v1beta1', 'Deployment')).toBe(kinds[1])
    expect(registry.byGroupKind('apps', 'Deployment')).toBe(kinds[2])
    expect(registry.byGroupResource('batch', 'jobs')).toBe(kinds[4])
    expect(registry.byKind('', 'v1', 'constructor')).toBeUndefined()
    expect(registry.groups()).toEqual([
      { group: '', versions: ['v1'] },
      { group: 'apps', versions: ['v1', 'v1beta1'] },
      { group: 'batch', versions: ['v1'] },
      { group: 'x.example.com', versions: ['v1'] },
    ])
  })

  test('kinds come and go, and listeners hear of it', () => {
    const registry = new KindRegistry([kindOf('', 'v1', 'Pod')])
    let heard = 0
    const stop = registry.onChange(() => heard++)
    const thing = kindOf('x.example.com', 'v1', 'Thing')
    registry.add(thing)
    expect(registry.preferredVersion('x.example.com')).toBe('v1')
    registry.add({ ...thing, plural: 'thingies' })
    expect(registry.byResource('x.example.com', 'v1', 'things')).toBeUndefined()
    expect(() => registry.add({ ...thing, kind: 'Other', plural: 'thingies' })).toThrow('already the resource of Thing')
    expect(registry.remove(thing)).toBe(true)
    expect(registry.remove(thing)).toBe(false)
    expect(registry.groups().map(g => g.group)).toEqual([''])
    stop()
    registry.add(thing)
    expect(heard).toBe(3)
  })

  test('versions are ordered as Kubernetes does', () => {
    expect(['foo1', 'v1alpha1', 'v1', 'v2beta1', 'v10', 'v2', 'v1beta2', 'v1beta10'].sort(compareVersions)).toEqual([
      'v10',
      'v2',
      'v1',
      'v2beta1',
      'v1beta10',
      'v1beta2',
      'v1alpha1',
      'foo1',
    ])
  })
})

describe('tables', () => {
  const kind = defineKind<any>({
    ...kindOf('', 'v1', 'Pod'),
    columns: [{ name: 'Phase', type: 'string', priority: 1, cell: (o: any) => o.status.phase }],
  })
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', uid: 'u', resourceVersion: '5', creationTimestamp: '2020-01-01T00:00:00Z' },
    status: { phase: 'Running' },
  }
  const nowMs = Date.parse('2020-01-01T00:02:30Z')

  test('a list as a table', () => {
    expect(tableOf(kind, [pod], { resourceVersion: '7' }, { nowMs })).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '7' },
      columnDefinitions: [
        expect.objectContaining({ name: 'Name', type: 'string', format: 'name', priority: 0 }),
        { name: 'Phase', type: 'string', format: '', description: '', priority: 1 },
        expect.objectContaining({ name: 'Age', type: 'string', format: '', priority: 0 }),
      ],
      rows: [
        {
          cells: ['a', 'Running', '2m30s'],
          object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: pod.metadata },
        },
      ],
    })
    expect(tableOf(kind, [pod], {}, { nowMs, include: 'None', columnDefinitions: false })).toMatchObject({
      columnDefinitions: [],
      rows: [{ cells: ['a', 'Running', '2m30s'] }],
    })
  })

  test('an odd object does not spoil the table', () => {
    const { status: _, ...odd } = pod
    expect(rowOf(kind, odd, nowMs, 'Object')).toEqual({ cells: ['a', '<error>', '2m30s'], object: odd })
  })

  test('metadata alone', () => {
    const list = { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7' }, items: [pod] }
    expect(partialListOf(list)).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '7' },
      items: [{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: pod.metadata }],
    })
  })
})

test.each<[object, string]>([
  [{}, '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}'],
  [
    { matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] },
    '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
  ],
])('a binding of parameters by %j is printed as Go writes the selector', (selector, text) => {
  const binding = { metadata: { name: 'b' }, spec: { policyName: 'p', paramRef: { selector } } } as any
  expect(rowOf(ValidatingAdmissionPolicyBinding, binding, 0, 'None').cells.slice(1, 3)).toEqual(['p', text])
})
