import { afterEach, beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { Store } from '../../db/store.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { EventKeeper } from './event-keeper.ts'

const hourMs = 3_600_000
const merge = { 'content-type': 'application/merge-patch+json' }
let clock: VirtualClock
let store: Store
let server: TestServer

beforeEach(async () => {
  clock = new VirtualClock()
  store = await openMemoryStore({ clock })
  server = await startTestServer({ clock, store })
})
afterEach(() => server[Symbol.asyncDispose]())

const happen = (name: string) =>
  server.call('POST', '/api/v1/namespaces/default/events', {
    metadata: { name },
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    reason: 'Test',
    message: name,
  })
const names = async () =>
  (await server.call('GET', '/api/v1/namespaces/default/events')).body.items.map((e: any) => e.metadata.name)

test('events go when nothing was heard of them for their time, whatever their number', async () => {
  await happen('old')
  await happen('again')
  await clock.advance(hourMs)
  await server.call('PATCH', '/api/v1/namespaces/default/events/again', { count: 2 }, merge)
  await happen('new')
  const keeper = new EventKeeper(server.api.core, { maxAgeMs: hourMs / 2 })
  expect(await keeper.sweep()).toBe(1)
  expect(await names()).toEqual(['again', 'new'])
  expect(await keeper.sweep()).toBe(0)
})

test('of too many the oldest go, however young', async () => {
  for (let i = 0; i < 5; i++) await happen(`e${i}`)
  const keeper = new EventKeeper(server.api.core, { most: 3 })
  expect(await keeper.sweep()).toBe(2)
  expect(await names()).toEqual(['e2', 'e3', 'e4'])
})

test('an event that happens again while it is being removed stays', async () => {
  for (const name of ['a', 'b']) await happen(name)
  const commit = store.commit.bind(store)
  store.commit = async (changes, seen) => {
    store.commit = commit
    await server.call('PATCH', '/api/v1/namespaces/default/events/a', { count: 9 }, merge)
    return commit(changes, seen)
  }
  const keeper = new EventKeeper(server.api.core, { most: 1 })
  await keeper.sweep()
  expect(await names()).toEqual(['a', 'b'])
  await keeper.sweep()
  expect(await names()).toEqual(['a'])
})
