import { systemClock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { openEtcdStore } from '../../src/db/etcd/etcd-store.ts'
import { type Observed, observe, violations } from '../../src/db/testing/linearizability.ts'

/*
 * Two servers' stores on one etcd under load, each asking another member first; then what contradicts linearizability, as JSON.
 *   linear-main.ts OPERATIONS ENDPOINT…
 */
const [operations = '', ...endpoints] = process.argv.slice(2)
const limit = Number(operations)
const stores = [
  await openEtcdStore({ endpoints }),
  await openEtcdStore({ endpoints: [...endpoints.slice(1), ...endpoints.slice(0, 1)] }),
]
console.log('begun')
const load = { clock: systemClock, random: seededRandom(17), keys: 20, clients: 16 }
const history: Observed[] = []
await Promise.all(stores.map((store, i) => observe({ ...load, store, name: `s${i}`, until: n => n >= limit }, history)))
const lost = history.filter(o => o.type === 'lost').length
console.log(JSON.stringify({ operations: history.length, lost, violations: violations(history) }))
for (const store of stores) await store[Symbol.asyncDispose]()
