import { Wire } from '../../support/api.ts'
import { startCluster } from '../../support/cluster.ts'
import type { Measurement, Row } from '../../support/measurement.ts'
import { fanOut } from './fan-out.ts'
import { lists } from './lists.ts'
import { writes } from './writes.ts'

const width = 64
const pods = 10_000

export const api: Measurement = {
  name: 'api',
  about:
    'Pods of 2 KB over HTTPS with client certificates, kept-alive connections, SQLite durable, ' +
    'every admission, controller and one simulated node running; the pods name a scheduler of their own, so that only the API works. ' +
    'The client shares the machine.',
  async *run(): AsyncIterable<Row> {
    await using cluster = await startCluster({ runtime: 'simulated' })
    for (const namespace of ['warm', 'load', 'fan'])
      await cluster.api.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
    const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(cluster.api.keys)))
    try {
      yield* writes(cluster, wires, pods)
      yield* lists(cluster, pods)
      yield* fanOut(cluster, wires)
    } finally {
      for (const wire of wires) wire[Symbol.dispose]()
    }
  },
}
