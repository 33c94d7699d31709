import { expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import { startTestServer } from '../testing/test-server.ts'

const url = '/api/v1/namespaces/default/configmaps'
const count = 100

/** Each look at it takes a millisecond. */
class SlowClock extends VirtualClock {
  #ms = 0
  override monotonicMs(): number {
    return super.monotonicMs() + this.#ms++
  }
}

it('a long list of the past lets others have the event loop, again and again', async () => {
  const clock = new SlowClock()
  await using server = await startTestServer({ clock, store: await openMemoryStore({ clock }) })
  for (let i = 0; i < count; i++) await server.call('POST', url, { metadata: { name: `map-${i}` } })
  const then = await server.store.revision()
  await server.call('POST', url, { metadata: { name: 'later' } })
  let turns = 0
  let done = false
  const turn = () => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)
  const { body } = await server.call('GET', `${url}?asOf=${then}`)
  done = true
  expect(body.items).toHaveLength(count)
  expect(turns).toBeGreaterThanOrEqual(count / 10 - 1)
})
