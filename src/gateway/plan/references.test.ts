import { expect, test } from 'vitest'
import type { ReferenceGrant } from '../kinds/index.ts'
import { isPermitted } from './references.ts'

const group = 'gateway.networking.k8s.io'
const from = { kind: 'HTTPRoute', namespace: 'default' } as const
const to = { group: '', kind: 'Service', namespace: 'other', name: 'web' }
const grant = (source: object, target: object, namespace = 'other') =>
  ({
    metadata: { namespace, name: 'g' },
    spec: { from: [{ group, ...from, ...source }], to: [{ group: '', kind: 'Service', ...target }] },
  }) as unknown as ReferenceGrant

test.each<[string, ReferenceGrant, boolean]>([
  ['of the very object', grant({}, { name: 'web' }), true],
  ['of all objects of a kind', grant({}, {}), true],
  ['of another object', grant({}, { name: 'api' }), false],
  ['of another kind', grant({}, { kind: 'Secret' }), false],
  ['of another group', grant({}, { group: 'apps' }), false],
  ['to another namespace', grant({ namespace: 'third' }, {}), false],
  ['to another kind', grant({ kind: 'GRPCRoute' }, {}), false],
  ['to a kind of another group', grant({ group: 'apps' }, {}), false],
  ['that somebody gave elsewhere', grant({}, {}, 'third'), false],
])('a grant %s', (_, given, answer) => {
  expect(isPermitted([given], from, to)).toBe(answer)
})

test('the own namespace needs no grant', () => {
  expect([isPermitted([], from, { ...to, namespace: 'default' }), isPermitted([], from, to)]).toEqual([true, false])
})
