import { Wire } from '../../support/api.ts'
import { startCluster } from '../../support/cluster.ts'
import type { Measurement, Row } from '../../support/measurement.ts'
import { fanOut } from './fan-out.ts'
import { floor } from './floor.ts'
import { lists } from './lists.ts'
import { type PodRows, podRows } from './rows.ts'
import { writes } from './writes.ts'

const width = 64
const pods = 10_000

export const api: Measurement = {
  name: 'api',
  about:
    'Pods over HTTPS with client certificates, kept-alive connections, SQLite durable, ' +
    'every admission, controller and one simulated node running; the pods name a scheduler of their own, so that only the API works. ' +
    'The client shares the machine. The goals are judged on pods of one container, 2 KB as stored and served; ' +
    'the rows of large pods have two containers with probes, environment and mounts. The bare server is the floor: ' +
    'HTTPS, JSON parsed and written, the same store, events to watchers, and nothing else.',
  async *run(): AsyncIterable<Row> {
    yield* floor(width, pods)
    await using cluster = await startCluster({ runtime: 'simulated' })
    for (const namespace of ['fan', ...podRows.flatMap(({ name }) => [name, `warm-${name}`])])
      await cluster.api.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
    const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(cluster.api.keys)))
    try {
      const [plain, large] = podRows as [PodRows, PodRows]
      yield* writes(cluster, wires, plain, pods)
      yield* lists(cluster, plain, pods)
      yield* fanOut(cluster, wires)
      yield* writes(cluster, wires, large, pods)
      yield* lists(cluster, large, pods)
    } finally {
      for (const wire of wires) wire[Symbol.dispose]()
    }
  },
}
