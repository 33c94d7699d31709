/*
 * How much a million heartbeats add to the store's file: node Leases are renewed and Node statuses written, as 1,000
 * nodes do; beside the same bytes kept whole.   npx tsx bench/heartbeats.ts [heartbeats]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../src/db/index.ts'

const heartbeats = Number(process.argv[2] ?? 100_000)
const nodes = 1000
const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))
const time = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString().slice(0, 19)

/** A Lease as the agent renews it: some 500 bytes, two times in it. */
const lease = (node: number, n: number) =>
  `{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"node-${node}","namespace":"kube-node-lease","uid":"6f1d2a40-8c35-4b9e-a2f1-${node}","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{"manager":"optiflow-agent","operation":"Update","apiVersion":"coordination.k8s.io/v1","time":"${time(n)}Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:holderIdentity":{},"f:leaseDurationSeconds":{},"f:renewTime":{}}}}]},"spec":{"holderIdentity":"node-${node}","leaseDurationSeconds":40,"renewTime":"${time(n)}.000000Z"}}`
/** A Node whose conditions have a new heartbeat: some 3.5 kB, five times in it. */
const node = (i: number, n: number) =>
  `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-${i}","managedFields":[{"manager":"agent","time":"${time(n)}Z"}]},"spec":{},"status":{"conditions":[${['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map(t => `{"type":"${t}","status":"False","lastHeartbeatTime":"${time(n)}Z","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"Agent"}`)}],"images":[${Array.from({ length: 20 }, (_, k) => `{"names":["registry.example/team-${k}/image-${i % 7}:v${k}"],"sizeBytes":${k * 7_654_321}}`)}]}}`

for (const [name, body] of [
  ['lease renewals', lease],
  ['node statuses', node],
] as const) {
  const path = join(folder, `${name.split(' ')[0]}.db`)
  const store = await openSqliteStore({ path })
  const began = performance.now()
  let bytes = 0
  for (let n = 0; n * nodes < heartbeats; n++)
    for (let i = 0; i < nodes; i += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, j) => {
          const value = Buffer.from(body(i + j, n))
          bytes += value.length
          return store.commit([{ key: `/registry/${name.split(' ')[0]}/node-${i + j}`, value }], new Map())
        }),
      )
  const seconds = (performance.now() - began) / 1000
  await store[Symbol.asyncDispose]()
  const size = statSync(path).size
  console.log(
    `${heartbeats.toLocaleString('en')} ${name}: ${Math.round(heartbeats / seconds).toLocaleString('en')}/s; ` +
      `the file grows ${Math.round(size / heartbeats)} bytes for each, ${(size / heartbeats / 1.048576).toFixed(0)} MiB per million; ` +
      `whole they would be ${Math.round(bytes / heartbeats)} bytes each (${((size / bytes) * 100).toFixed(0)} %)`,
  )
}
rmSync(folder, { recursive: true })
