import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdRpc } from '../../src/db/etcd/rpc.ts'
import { openSqliteStore, type Store } from '../../src/db/index.ts'
import { folder, text } from './load.ts'

const nodes = 1000
const time = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString().slice(0, 19)

/** A Lease as the agent renews it: some 500 bytes, two times in it. */
const lease = (node: number, n: number) =>
  `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"node-${node}","namespace":"kube-node-lease","uid":"6f1d2a40-8c35-4b9e-a2f1-${node}","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{"manager":"optiflow-agent","operation":"Update","apiVersion":"coordination.k8s.io/v1","time":"${time(n)}Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:holderIdentity":{},"f:leaseDurationSeconds":{},"f:renewTime":{}}}}]},"spec":{"holderIdentity":"node-${node}","leaseDurationSeconds":40,"renewTime":"${time(n)}.000000Z"}}`
/** A Node whose conditions have a new heartbeat: some 3.5 kB, five times in it. */
const node = (i: number, n: number) =>
  `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-${i}","managedFields":[{"manager":"agent","time":"${time(n)}Z"}]},"spec":{},"status":{"conditions":[${['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map(t => `{"type":"${t}","status":"False","lastHeartbeatTime":"${time(n)}Z","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"Agent"}`)}],"images":[${Array.from({ length: 20 }, (_, k) => `{"names":["registry.example/team-${k}/image-${i % 7}:v${k}"],"sizeBytes":${k * 7_654_321}}`)}]}}`
const bodies = { leases: lease, nodes: node }

/** What the process has had written to disks so far, in bytes, as the kernel counts it. */
function writtenBy(pid: number | 'self'): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1])
}

/** @returns bytes of all values */
async function beat(store: Store, name: keyof typeof bodies, heartbeats: number): Promise<number> {
  let bytes = 0
  for (let n = 0; n < heartbeats; n += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => {
        const at = (n + j) % nodes
        const value = new Uint8Array(Buffer.from(bodies[name](at, Math.floor(n / nodes))))
        bytes += value.length
        return store.commit([{ key: `/registry/${name}/node-${at}`, value }], new Map())
      }),
    )
  return bytes
}

function line(engine: string, name: string, heartbeats: number, bytes: number, file: number, written: number): string {
  const perMillion = (n: number) => `${text(n / heartbeats / 1.048576)} MiB`
  return (
    `${engine.padEnd(7)} heartbeats (${name}): per million the file grows ${perMillion(file)} of ${perMillion(bytes)} given; ` +
    `${perMillion(written)} are written to the disk, ${text(written / bytes, 2)} times what was given`
  )
}

/** File growth and write amplification of heartbeats: Leases renewed and Nodes' statuses written, as 1,000 nodes do. */
export async function sqliteGrowth(heartbeats: number): Promise<void> {
  for (const name of ['leases', 'nodes'] as const) {
    const path = join(folder, `${name}.db`)
    const before = writtenBy('self')
    const store = await openSqliteStore({ path })
    const bytes = await beat(store, name, heartbeats)
    await store[Symbol.asyncDispose]()
    console.log(line('SQLite,', name, heartbeats, bytes, statSync(path).size, writtenBy('self') - before))
  }
}

/** The same in etcd, which keeps every value whole until it is compacted. */
export async function etcdGrowth(heartbeats: number, store: Store, rpc: EtcdRpc, pid: number): Promise<void> {
  const size = async () => Number((await rpc.unary<{ dbSize: string }>('Maintenance', 'Status', {}, true)).dbSize)
  for (const name of ['leases', 'nodes'] as const) {
    const [before, sizeBefore] = [writtenBy(pid), await size()]
    const bytes = await beat(store, name, heartbeats)
    console.log(line('etcd,', name, heartbeats, bytes, (await size()) - sizeBefore, writtenBy(pid) - before))
  }
}
