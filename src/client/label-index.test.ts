import { describe, expect, test } from 'vitest'
import { everything, nothing, parseSelector, type Selector, selectorFrom } from '../base/labels.ts'
import { Deployment, Pod } from '../models/kinds/index.ts'
import type { KubeObject } from '../models/object.ts'
import { selectedOf, selectingOf } from './label-index.ts'
import { ObjectIndex } from './object-index.ts'
import type { Cache, CacheIndex } from './reconciler.ts'

function cacheOf<T extends KubeObject>(objects: T[]) {
  const store = new ObjectIndex<T>()
  for (const object of objects) store.set(object)
  let seen = 0
  const counted = (found: T[]) => {
    seen += found.length
    return found
  }
  const cache = {
    list: (_: unknown, namespace?: string) => counted(store.list(namespace)),
    byIndex({ name, values }: CacheIndex<T>, value: string) {
      store.addIndex(name, values)
      return counted(store.byIndex(name, value))
    },
  } as unknown as Cache
  return { cache, seen: () => seen }
}

const pod = (namespace: string, name: string, labels: Record<string, string>) =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, labels }, spec: { containers: [] } }) as unknown as Pod
const deployment = (namespace: string, name: string, selector: object) =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name },
    spec: { selector },
  }) as unknown as Deployment
const names = (found: KubeObject[]) => found.map(o => `${o.metadata.namespace}/${o.metadata.name}`).sort()
const selectorOf = (d: Deployment): Selector =>
  Object.keys(d.spec.selector ?? {}).length ? selectorFrom(d.spec.selector) : nothing

describe('who is selected', () => {
  const pods = [
    ...Array.from({ length: 1_000 }, (_, i) => pod('a', `p${i}`, { tier: 'web', app: `app-${i % 100}` })),
    pod('b', 'p', { tier: 'web', app: 'app-1' }),
  ]
  test.each([
    ['app=app-1,tier=web', 10],
    ['app=app-1,tier!=web', 0],
    ['app in (app-1,app-2)', 20],
    ['', 1_000],
  ])('by %s is the same as when all are looked at', (text, count) => {
    const selector = text ? parseSelector(text) : everything
    const expected = pods.filter(p => p.metadata.namespace === 'a' && selector.matches(p.metadata.labels))
    expect(names(selectedOf(Pod)(cacheOf(pods).cache, 'a', selector))).toEqual(names(expected))
    expect(expected).toHaveLength(count)
  })

  test('is found among those with the rarest label, and nothing among none', () => {
    const { cache, seen } = cacheOf(pods)
    const select = selectedOf(Pod)
    expect(select(cache, 'a', parseSelector('app=app-7'))).toHaveLength(10)
    expect(seen()).toBe(10)
    expect(select(cache, 'a', nothing)).toEqual([])
    expect(seen()).toBe(10)
  })
})

test('who selects is found without looking at the others, whatever the selector is made of', () => {
  const matchExpressions = [{ key: 'app', operator: 'In', values: ['app-1', 'other'] }]
  const { cache, seen } = cacheOf([
    ...Array.from({ length: 1_000 }, (_, i) => deployment('a', `d${i}`, { matchLabels: { app: `app-${i}` } })),
    deployment('a', 'two', { matchLabels: { tier: 'web', app: 'app-1' } }),
    deployment('a', 'other', { matchLabels: { tier: 'web', app: 'app-2' } }),
    deployment('a', 'expression', { matchExpressions }),
    deployment('a', 'none', {}),
    deployment('b', 'elsewhere', { matchLabels: { app: 'app-1' } }),
  ])
  const found = selectingOf(Deployment, selectorOf)(cache, pod('a', 'p', { tier: 'web', app: 'app-1' }))
  expect(names(found)).toEqual(['a/d1', 'a/expression', 'a/two'])
  expect(seen()).toBeLessThan(10)
})
