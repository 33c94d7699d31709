import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import type { AnyObject } from '../object.ts'
import { typeNamed } from '../schema/types.ts'
import { applyConfiguration, trackUpdate, type Writer } from './managed-fields.ts'

const deployment = typeNamed('apps/v1.Deployment')
const writer = (manager: string, subresource = ''): Writer => ({
  manager,
  apiVersion: 'apps/v1',
  subresource,
  time: '2026-01-01T00:00:00Z',
})
const config = (spec: object | undefined, metadata: object = {}): AnyObject =>
  ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', ...metadata }, spec }) as unknown as AnyObject
const apply = (live: AnyObject | undefined, applied: AnyObject, who = 'me', force = false) =>
  applyConfiguration(deployment, live, applied, writer(who), force)
const container = (name: string, image: string, more: object = {}) => ({
  template: { spec: { containers: [{ name, image, ...more }] } },
})
const owned = (o: AnyObject, manager: string, operation = 'Apply') =>
  o.metadata.managedFields?.find(e => e.manager === manager && e.operation === operation)?.fieldsV1

test('the applier owns what it said, list elements and itself included', () => {
  const made = apply(undefined, config({ replicas: 2, ...container('web', 'a:1') }, { labels: { app: 'web' } }))
  expect(owned(made, 'me')).toEqual({
    'f:metadata': { 'f:labels': { 'f:app': {} } },
    'f:spec': {
      'f:replicas': {},
      'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } } },
    },
  })
})

test('what is no longer applied goes, what others own stays', () => {
  const made = apply(
    undefined,
    config({ replicas: 2, paused: true, ...container('web', 'a:1') }, { labels: { app: 'web', tier: 'x' } }),
  )
  const shared = apply(made, config({ paused: true }), 'other')
  const next = apply(shared, config(container('web', 'a:1'), { labels: { app: 'web' } }))
  expect(next['spec']).toEqual({ paused: true, ...container('web', 'a:1') })
  expect(next.metadata.labels).toEqual({ app: 'web' })
  expect(owned(next, 'other')).toEqual({ 'f:spec': { 'f:paused': {} } })
})

test('a field that another set to something else is a conflict that names both, and force takes it over', () => {
  const made = apply(undefined, config({ replicas: 2 }))
  const scaled = structuredClone(made)
  scaled['spec'].replicas = 5
  trackUpdate(deployment, made, scaled, writer('scaler'))
  expect(owned(scaled, 'me')).toBeUndefined()
  const attempt = () => apply(scaled, config({ replicas: 2 }))
  expect(attempt).toThrow(ApiError)
  expect(attempt).toThrow('Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas')
  const forced = apply(scaled, config({ replicas: 2 }), 'me', true)
  expect(forced['spec'].replicas).toBe(2)
  expect(forced.metadata.managedFields?.map(e => e.manager)).toEqual(['me'])
})

test('an applier has the time of its last change: one that changed nothing has none, an updater that of its last write', () => {
  const at = (time: string, manager: string) => ({ ...writer(manager), time })
  const times = (object: any) => object.metadata.managedFields.map((e: any) => [e.manager, e.time])
  const [first, second, third] = [1, 2, 3].map(day => `2026-01-0${day}T00:00:00Z`) as [string, string, string]
  const made = applyConfiguration(deployment, undefined, config({ replicas: 2 }), at(first, 'me'), false)
  const shared = applyConfiguration(deployment, made, config({ replicas: 2 }), at(second, 'other'), false)
  expect(times(shared)).toEqual([
    ['other', undefined],
    ['me', first],
  ])
  const moved = applyConfiguration(deployment, shared, config({ replicas: 3 }), at(third, 'other'), true)
  expect(times(moved)).toEqual([['other', third]])
  const scaled = structuredClone(made)
  scaled['spec'].replicas = 5
  trackUpdate(deployment, made, scaled, at(second, 'scaler'))
  const again = structuredClone(scaled)
  again['spec'].replicas = 6
  trackUpdate(deployment, scaled, again, at(third, 'scaler'))
  expect(times(again)).toEqual([['scaler', third]])
})

test('an applier that only puts elements in another order has changed something', () => {
  const at = (time: string, manager: string) => ({ ...writer(manager), time })
  const both = (...names: string[]) => config({ template: { spec: { containers: names.map(name => ({ name })) } } })
  const made = applyConfiguration(deployment, undefined, both('a', 'b'), at('2026-01-01T00:00:00Z', 'me'), false)
  const turned = applyConfiguration(deployment, made, both('b', 'a'), at('2026-01-02T00:00:00Z', 'other'), false)
  expect(turned.metadata.managedFields?.map(e => [e.manager, e.time])).toEqual([
    ['me', '2026-01-01T00:00:00Z'],
    ['other', '2026-01-02T00:00:00Z'],
  ])
})

test('owners that nobody can be are forgotten when an object is made', () => {
  const made = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', managedFields: [{ operation: 'Nope' }] } } as any
  trackUpdate(deployment, undefined, made, writer('me'))
  expect(made.metadata.managedFields).toBeUndefined()
})

test('two managers that say the same share the field, and one giving it up leaves it in place', () => {
  const both = apply(apply(undefined, config({ replicas: 2 })), config({ replicas: 2 }), 'other')
  const left = apply(both, config(undefined), 'me')
  expect(left['spec'].replicas).toBe(2)
  expect(left.metadata.managedFields?.map(e => e.manager)).toEqual(['other'])
})

test('an element that only one manager applied goes with it, order of the rest is kept', () => {
  const two = {
    template: {
      spec: {
        containers: [
          { name: 'a', image: 'a' },
          { name: 'b', image: 'b' },
        ],
      },
    },
  }
  const made = apply(apply(undefined, config(two)), config(container('side', 's')), 'other')
  expect(made['spec'].template.spec.containers.map((c: { name: string }) => c.name)).toEqual(['a', 'b', 'side'])
  const next = apply(made, config(container('b', 'b')))
  expect(next['spec'].template.spec.containers.map((c: { name: string }) => c.name)).toEqual(['b', 'side'])
})

test('an object without managers is taken as it is before the first apply', () => {
  const live = config({ replicas: 3 })
  const same = apply(live, config({ replicas: 3 }))
  expect(same.metadata.managedFields?.map(e => [e.manager, e.operation])).toEqual([
    ['me', 'Apply'],
    ['before-first-apply', 'Update'],
  ])
  expect(() => apply(live, config({ replicas: 4 }))).toThrow('before-first-apply')
})

test('a plain create owns maps it brought, and a status write is kept apart', () => {
  const made = config({ replicas: 1, ...container('web', 'a:1') }, { labels: { app: 'web' } })
  trackUpdate(deployment, undefined, made, writer('kubectl'))
  expect(owned(made, 'kubectl', 'Update')).toMatchObject({ 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } } })
  const reported = structuredClone(made)
  reported['status'] = { replicas: 1 }
  trackUpdate(deployment, made, reported, writer('controller', 'status'))
  expect(reported.metadata.managedFields?.map(e => [e.manager, e.subresource])).toEqual([
    ['controller', 'status'],
    ['kubectl', undefined],
  ])
})

test('an unchanged write changes no owner and no time', () => {
  const made = apply(undefined, config({ replicas: 2 }))
  const again = applyConfiguration(
    deployment,
    made,
    config({ replicas: 2 }),
    { ...writer('me'), time: '2027-01-01T00:00:00Z' },
    false,
  )
  expect(again.metadata.managedFields).toEqual(made.metadata.managedFields)
})

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

test('kubectl may change what its client-side form has set and nobody since, and keeps its annotation true', () => {
  const first = config({ replicas: 2, paused: true })
  const live = config({ replicas: 2, paused: true }, { annotations: { [lastApplied]: JSON.stringify(first) } })
  trackUpdate(deployment, undefined, live, writer('kubectl-client-side-apply'))
  const next = apply(live, config({ replicas: 3 }), 'kubectl')
  expect(next['spec'].replicas).toBe(3)
  expect(JSON.parse(next.metadata.annotations![lastApplied]!).spec).toEqual({ replicas: 3 })
  expect(() => apply(live, config({ replicas: 3 }), 'somebody-else')).toThrow(
    'conflict with "kubectl-client-side-apply"',
  )
})

test.each<[string, Record<string, string> | undefined, object]>([
  ['none', undefined, {}],
  ['its own alone', { [lastApplied]: '{}' }, { annotations: {} }],
  ['another too', { [lastApplied]: '{}', a: 'b' }, { annotations: { a: 'b' } }],
])('the annotation of kubectl has of the annotations it applies, %s, all but itself', (_title, annotations, kept) => {
  const live = config({ replicas: 2 }, { annotations: { [lastApplied]: JSON.stringify(config({ replicas: 2 })) } })
  trackUpdate(deployment, undefined, live, writer('kubectl-client-side-apply'))
  const next = apply(live, config({ replicas: 2 }, annotations ? { annotations } : {}), 'kubectl', true)
  expect(JSON.parse(next.metadata.annotations![lastApplied]!).metadata).toEqual({ name: 'web', ...kept })
})

test('what has changed since kubectl set it from the client is still a conflict', () => {
  const live = config({ replicas: 2 }, { annotations: { [lastApplied]: JSON.stringify(config({ replicas: 2 })) } })
  trackUpdate(deployment, undefined, live, writer('kubectl-client-side-apply'))
  const scaled = structuredClone(live)
  scaled['spec'].replicas = 5
  trackUpdate(deployment, live, scaled, writer('scaler'))
  expect(() => apply(scaled, config({ replicas: 3 }), 'kubectl')).toThrow('conflict with "scaler"')
})

test('of very many writers the oldest become one', () => {
  let live = config({ replicas: 0 })
  trackUpdate(deployment, undefined, live, writer('w0'))
  for (let i = 1; i <= 14; i++) {
    const next = structuredClone(live)
    next.metadata.labels = { ...next.metadata.labels, [`l${i}`]: 'x' }
    trackUpdate(deployment, live, next, { ...writer(`w${i}`), time: `2026-01-01T00:00:${String(i).padStart(2, '0')}Z` })
    live = next
  }
  const managers = live.metadata.managedFields!.map(e => e.manager)
  expect(managers).toEqual(['ancient-changes', ...Array.from({ length: 9 }, (_, i) => `w${i + 6}`)])
  const all = Object.keys(owned(live, 'ancient-changes', 'Update')!['f:metadata']!['f:labels']!)
  expect(all).toContain('f:l5')
})

test('who sets nothing owns nothing', () => {
  const made = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } } as AnyObject
  trackUpdate(deployment, undefined, made, writer('me'))
  expect(made.metadata.managedFields).toBeUndefined()
})

test('objects of one template share the tree of what their creator owns, and what does not change hands stays that very tree', () => {
  const made = (name: string) => {
    const object = config({ replicas: 2, ...container('web', 'a:1') }, { name, labels: { app: 'web' } })
    trackUpdate(deployment, undefined, object, writer('me'))
    return object
  }
  const [one, two] = [made('one'), made('two')]
  expect(owned(one, 'me', 'Update')).toBe(owned(two, 'me', 'Update'))
  const next = { ...two, metadata: { ...two.metadata, labels: { app: 'web', tier: 'x' } } } as AnyObject
  trackUpdate(deployment, two, next, writer('other'))
  expect(owned(next, 'me', 'Update')).toBe(owned(one, 'me', 'Update'))
  expect(owned(next, 'other', 'Update')).toEqual({ 'f:metadata': { 'f:labels': { 'f:tier': {} } } })
})

test('a tree in another order than ours is written in ours', () => {
  const live = config({ replicas: 2 })
  const entry = { manager: 'me', operation: 'Update' as const, apiVersion: 'apps/v1', fieldsType: 'FieldsV1' as const }
  live.metadata.managedFields = [
    {
      ...entry,
      fieldsV1: {
        'f:spec': { 'f:replicas': {}, 'f:paused': {} },
        'f:metadata': { 'f:labels': { 'f:a': { '.': {} } } },
      },
    },
  ]
  const next = { ...live, spec: { replicas: 3 } } as AnyObject
  trackUpdate(deployment, live, next, writer('you'))
  expect(JSON.stringify(owned(next, 'me', 'Update'))).toBe(
    '{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:paused":{}}}',
  )
})

test('who takes out what it wrote owns it no longer', () => {
  const made = config({ replicas: 2, paused: true })
  trackUpdate(deployment, undefined, made, writer('me'))
  const less = structuredClone(made)
  delete less['spec'].paused
  trackUpdate(deployment, made, less, writer('me'))
  expect(owned(less, 'me', 'Update')).toEqual({ 'f:spec': { 'f:replicas': {} } })
})

test('an element that goes takes what its writer owned of it along, a time that was null too', () => {
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: null })
  const made = config({ replicas: 2 })
  trackUpdate(deployment, undefined, made, writer('me'))
  const next = (before: AnyObject, ...conditions: object[]): AnyObject => {
    const after: AnyObject = { ...structuredClone(before), status: { conditions } }
    trackUpdate(deployment, before, after, writer('controller', 'status'))
    return after
  }
  const both = next(made, condition('A'), condition('B'))
  const one = next(both, condition('B'))
  const conditions = (o: AnyObject) =>
    Object.keys((owned(o, 'controller', 'Update') as any)['f:status']['f:conditions'])
  expect([conditions(both), conditions(one)]).toEqual([
    ['.', 'k:{"type":"A"}', 'k:{"type":"B"}'],
    ['.', 'k:{"type":"B"}'],
  ])
})

describe('elements of one name', () => {
  const env = (...values: [string, string][]) =>
    config(container('web', 'a:1', { env: values.map(([name, value]) => ({ name, value })) }))
  const envOf = (object: AnyObject) =>
    object['spec'].template.spec.containers[0].env.map((e: any) => `${e.name}=${e.value}`)
  const ownedEnv = (object: AnyObject, manager: string, operation = 'Update') =>
    (owned(object, manager, operation) as any)?.['f:spec']['f:template']['f:spec']['f:containers']['k:{"name":"web"}'][
      'f:env'
    ]
  const [a, b] = ['k:{"name":"A"}', 'k:{"name":"B"}']
  const whole = { '.': {}, 'f:name': {}, 'f:value': {} }
  const doubled = env(['A', '1'], ['B', '2'], ['A', '3'])

  test('are owned together, none of their fields', () => {
    const made = structuredClone(doubled)
    trackUpdate(deployment, undefined, made, writer('maker'))
    expect(ownedEnv(made, 'maker')).toEqual({ '.': {}, [a]: {}, [b]: whole })
    const single = env(['A', '1'], ['B', '2'])
    trackUpdate(deployment, made, single, writer('singler'))
    expect(ownedEnv(single, 'maker')).toEqual({ '.': {}, [b]: whole })
    expect(ownedEnv(single, 'singler')).toEqual({ [a]: whole })
    const again = env(['A', '1'], ['A', '4'], ['B', '2'])
    trackUpdate(deployment, single, again, writer('doubler'))
    expect([ownedEnv(again, 'singler'), ownedEnv(again, 'doubler')]).toEqual([undefined, { [a]: {} }])
    const changed = env(['A', '1'], ['A', '5'], ['B', '2'])
    trackUpdate(deployment, again, changed, writer('changer'))
    expect([ownedEnv(changed, 'doubler'), ownedEnv(changed, 'changer')]).toEqual([undefined, { [a]: {} }])
  })

  test('stay when another one is applied, and give way together to one of their name', () => {
    const made = structuredClone(doubled)
    trackUpdate(deployment, undefined, made, writer('maker'))
    const beside = apply(made, env(['C', '6']))
    expect(envOf(beside)).toEqual(['A=1', 'B=2', 'A=3', 'C=6'])
    expect(() => apply(made, env(['A', '7']))).toThrow('conflict with "maker" using apps/v1: ')
    const forced = apply(made, env(['A', '7']), 'me', true)
    expect(envOf(forced)).toEqual(['A=7', 'B=2'])
    expect(ownedEnv(forced, 'maker')).toEqual({ '.': {}, [b]: whole })
    expect(ownedEnv(forced, 'me', 'Apply')).toEqual({ [a]: whole })
  })
})

test('a part that is still said and loses all in it becomes null', () => {
  const made = apply(undefined, config({ strategy: { type: 'Recreate' }, paused: true }))
  expect(apply(made, config({ strategy: {}, paused: true }))['spec']).toEqual({ strategy: null, paused: true })
  expect(apply(made, config({ paused: true }))['spec']).toEqual({ paused: true })
})

test('a list that was null is filled: what is in it is owned, the list is not', () => {
  const definition = typeNamed('apiextensions/v1.CustomResourceDefinition')
  const crd = (conditions: object[] | null) =>
    ({ metadata: { labels: { a: 'b' } }, status: { conditions } }) as unknown as AnyObject
  const by = (manager: string, subresource = '') => ({
    ...writer(manager, subresource),
    apiVersion: 'apiextensions.k8s.io/v1',
  })
  const [before, next] = [crd(null), crd([{ type: 'Established', status: 'True' }])]
  trackUpdate(definition, undefined, before, by('maker'))
  next.metadata.managedFields = structuredClone(before.metadata.managedFields!)
  trackUpdate(definition, before, next, by('me', 'status'))
  const element = { '.': {}, 'f:status': {}, 'f:type': {} }
  expect(owned(next, 'me', 'Update')).toEqual({
    'f:status': { 'f:conditions': { 'k:{"type":"Established"}': element } },
  })
})
