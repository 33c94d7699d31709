import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Balancer } from './balancer.ts'
import type { Endpoint } from './routing-table.ts'

const [a, b] = [1, 2].map(port => ({ ip: '10.0.0.1', port })) as [Endpoint, Endpoint]
const backend = { name: 'web', endpoints: [a, b] }
const none: ReadonlySet<Endpoint> = new Set()

test('by load, the endpoint with the fewest requests under way is chosen, and in turn among equals', () => {
  const balancer = new Balancer(new VirtualClock())
  const chosen = (times: number) => Array.from({ length: times }, () => balancer.choose(backend, none))
  expect(new Set(chosen(2))).toEqual(new Set([a, b]))
  const end = balancer.begin(a)
  expect(chosen(3)).toEqual([b, b, b])
  end()
  expect(new Set(chosen(2))).toEqual(new Set([a, b]))
})

test('an endpoint that could not be reached rests for two seconds, unless no other is left', async () => {
  const clock = new VirtualClock()
  const balancer = new Balancer(clock)
  const chosen = (tried = none) => new Set([balancer.choose(backend, tried), balancer.choose(backend, tried)])
  balancer.failed(a)
  expect(chosen()).toEqual(new Set([b]))
  expect(chosen(new Set([b]))).toEqual(new Set([a]))
  await clock.advance(2_000)
  expect(chosen()).toEqual(new Set([a, b]))
})
