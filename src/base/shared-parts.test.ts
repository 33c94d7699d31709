import { expect, test } from 'vitest'
import { seededRandom } from './random.ts'
import { withSharedParts } from './shared-parts.ts'

const template = () => ({
  name: 'a',
  labels: { app: 'web' },
  spec: { containers: [{ image: 'web:1', env: [] as object[] }], volumes: [{ name: 'v' }] },
})

test('what two objects have in common is one, what differs stays each its own', () => {
  const first = template()
  const next = { ...template(), name: 'b' }
  next.spec.volumes.push({ name: 'w' })
  const shared = withSharedParts(next, first)
  expect(shared).toStrictEqual({
    ...{ name: 'b', labels: { app: 'web' } },
    spec: { containers: [{ image: 'web:1', env: [] }], volumes: [{ name: 'v' }, { name: 'w' }] },
  })
  expect(shared).toBe(next)
  expect(shared.labels).toBe(first.labels)
  expect(shared.spec.containers).toBe(first.spec.containers)
  expect(shared.spec.volumes[0]).toBe(first.spec.volumes[0])
  expect(first).toStrictEqual(template())
})

test('an equal object is the other one', () => {
  const first = template()
  expect(withSharedParts(template(), first)).toBe(first)
})

test.each<[string, unknown, unknown]>([
  ['another order of fields', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a field less', { a: {} }, { a: {}, b: 1 }],
  ['a field more', { a: {}, b: 1 }, { a: {} }],
  ['a shorter list', [1], [1, 2]],
  ['a longer list', [1, 2], [1]],
  ['an empty list for an empty object', [], {}],
  ['an empty object for an empty list', {}, []],
  ['nothing for an object', { a: null }, { a: {} }],
  ['an object for nothing', { a: {} }, { a: null }],
  ['a field of the name of what every object has', JSON.parse('{"__proto__":{},"constructor":{}}'), {}],
])('%s is not taken for the same', (_, next, like) => {
  const before = [next, like].map(value => JSON.stringify(value))
  expect(withSharedParts(next, like)).toBe(next)
  expect([next, like].map(value => JSON.stringify(value))).toEqual(before)
  expect(Object.getPrototypeOf(next)).toBe(Array.isArray(next) ? Array.prototype : Object.prototype)
})

test('parts that cannot be changed are compared and left', () => {
  const fixed = Object.freeze({ a: Object.freeze([Object.freeze({ b: 1 }), 2]) })
  const next = { x: 1, fixed }
  const like = { x: 2, fixed: { a: [{ b: 1 }, 3] } }
  expect(withSharedParts(next, like)).toStrictEqual({ x: 1, fixed: { a: [{ b: 1 }, 2] } })
  expect(next.fixed).toBe(fixed)
  expect(withSharedParts({ fixed }, { fixed: { a: [{ b: 1 }, 2] } }).fixed).not.toBe(fixed)
})

test('whatever is shared with whatever, both still say what they said', () => {
  const random = seededRandom(7)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!
  const make = (depth: number): unknown => {
    const form = depth === 0 ? 'plain' : pick(['plain', 'list', 'fields', 'fields'])
    if (form === 'plain') return pick([0, 1, 'a', 'b', true, null])
    const count = Math.floor(random.next() * 3)
    if (form === 'list') return Array.from({ length: count }, () => make(depth - 1))
    return Object.fromEntries(Array.from({ length: count }, () => [pick(['x', 'y', 'z']), make(depth - 1)]))
  }
  for (let i = 0; i < 3_000; i++) {
    const [next, like] = [make(4), make(4)]
    const texts = [next, like].map(value => JSON.stringify(value))
    const shared = withSharedParts(next, like)
    expect([shared, like].map(value => JSON.stringify(value))).toEqual(texts)
  }
})
