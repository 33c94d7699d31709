import { describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { openMemoryStore } from './memory.ts'
import type { Store } from './store.ts'
import { type Observed, observe, violations } from './testing/linearizability.ts'

async function historyOf(wrap: (store: Store) => Store, operations: number): Promise<Observed[]> {
  const store = await openMemoryStore()
  const history: Observed[] = []
  const load = { clock: systemClock, random: seededRandom(7), keys: 5, clients: 8, name: 'l' }
  await observe({ ...load, store: wrap(store), until: n => n >= operations }, history)
  return history
}

/** A store of which one method is another. */
function changed(store: Store, method: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const found = Reflect.get(Object.hasOwn(method, name) ? method : target, name)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
}

describe('the check of linearizability', () => {
  it('finds nothing in a store that is right', async () => {
    expect(violations(await historyOf(store => store, 3000))).toEqual([])
  })

  it('finds a read that is one state behind now and then', async () => {
    const random = seededRandom(1)
    const stale = (store: Store) =>
      changed(store, {
        async get(key) {
          const found = await store.get(key)
          if (!found || random.next() > 0.02) return found
          return (await store.get(key, found.revision - 1n)) ?? found
        },
      })
    expect(violations(await historyOf(stale, 3000))).not.toEqual([])
  })

  it('finds a compare-and-swap that does not compare', async () => {
    const blind = (store: Store) => changed(store, { commit: changes => store.commit(changes, new Map()) })
    expect(violations(await historyOf(blind, 3000))).not.toEqual([])
  })
})
