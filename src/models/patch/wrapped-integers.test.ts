import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { wrapIntegers } from './wrapped-integers.ts'

const deployment = (replicas: unknown, seconds: unknown = 1) => ({
  spec: { replicas, template: { spec: { terminationGracePeriodSeconds: seconds } } },
})
const wrapped = (object: object) => wrapIntegers(typeNamed('apps/v1.Deployment'), object)

// What kube-apiserver 1.32.13 kept of the same numbers.
test.each<[number | bigint, number]>([
  [2 ** 31, -(2 ** 31)],
  [2 ** 32 + 5, 5],
  [-(2 ** 31) - 1, 2 ** 31 - 1],
  [2n ** 53n + 1n, 1],
  [1e19, 0],
])('an int32 keeps the lower half of %d: %d', (given, kept) => {
  expect(wrapped(deployment(given))).toEqual(deployment(kept))
})

test('what is beyond 64 bits is the least int64; what fits, and what is no integer, is left as it is', () => {
  expect(wrapped(deployment(1, 2n ** 63n))).toEqual(deployment(1, -(2n ** 63n)))
  for (const fitting of [
    deployment(3, 2n ** 53n + 1n),
    deployment(1.5),
    deployment('x'),
    { spec: [] },
    { odd: 2 ** 40 },
  ])
    expect(wrapped(fitting)).toBe(fitting)
})
