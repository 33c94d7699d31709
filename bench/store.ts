/*
 * The store on both engines, each beside the bare thing in the same run: durable commits at 1, 64 and 512 in flight (SQLite's beside
 * bare commits on a thread behind messages too, and the bare way there and back), lists now and of
 * the past, the start with 150,000 objects, file growth and write amplification of heartbeats.
 *   npx tsx bench/store.ts [slices] [seconds per slice] [objects] [heartbeats] [sqlite|etcd]
 * Starts two etcds of its own on loopback, if there is one: one for the store, one for the bare commits. BENCH_FOLDER: where the files lie, the system's folder of temporary files
 * unless given.
 */
import { rmSync } from 'node:fs'
import { systemClock } from '../src/base/clock.ts'
import { EtcdRpc } from '../src/db/etcd/rpc.ts'
import { EtcdCluster } from '../src/db/etcd/testing/cluster.ts'
import { openEtcdStore } from '../src/db/index.ts'
import { onPath } from '../tests/support/processes.ts'
import { etcdCommits, sqliteCommits } from './stores/commits.ts'
import { etcdGrowth, sqliteGrowth } from './stores/growth.ts'
import { folder } from './stores/load.ts'
import { etcdReads, sqliteReads } from './stores/reads.ts'

const [slices = 7, seconds = 0.7, objects = 150_000, heartbeats = 50_000] = process.argv.slice(2, 6).map(Number)
const only = process.argv[6]
const turns = { slices, seconds }

if (only !== 'etcd') {
  await sqliteCommits(turns)
  await sqliteReads(objects)
  await sqliteGrowth(heartbeats)
}
if (only !== 'sqlite' && onPath('etcd')) {
  const cluster = await EtcdCluster.start(1)
  const store = await openEtcdStore({ endpoints: cluster.endpoints })
  const rpc = new EtcdRpc(cluster, systemClock)
  // Bare commits in a process of their own: the store's watch of all keys would make them dearer.
  const bare = await EtcdCluster.start(1)
  const bareRpc = new EtcdRpc(bare, systemClock)
  await etcdCommits(turns, store, bareRpc)
  bareRpc.close()
  await bare.stop()
  await etcdReads(store, rpc)
  await etcdGrowth(Math.min(heartbeats, 20_000), store, rpc, cluster.members[0]!.process.pid!)
  rpc.close()
  await store[Symbol.asyncDispose]()
  await cluster.stop()
}
rmSync(folder, { recursive: true })
