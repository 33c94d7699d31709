import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { systemNet } from '../../../src/base/net.ts'
import { startDnsServer } from '../../../src/discovery/index.ts'
import { EndpointSlice, Namespace, Service } from '../../../src/models/kinds/index.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { openControlPlane, outside } from './control-plane.ts'

const serviceCount = 1_000
const queries = 20_000
const width = 32

/** What the DNS server of one node answers. */
export async function* names(): AsyncIterable<Row> {
  await using plane = await openControlPlane(serviceCount)
  const { informers } = plane
  await using server = await startDnsServer({
    ...{ ...outside, host: '127.0.0.1', port: 0, zone: 'cluster.local', informers, upstreams: [], net: systemNet },
  })
  await Promise.all([Service, EndpointSlice, Namespace].map(kind => informers.for<any>(kind).ready()))
  const asked = Array.from({ length: 100 }, (_, i) => `s${i * 7}.default.svc.cluster.local`)
  const words = [
    resolve(import.meta.dirname, 'asking.mjs'),
    String(server.port),
    String(queries),
    String(width),
    ...asked,
  ]
  const before = process.cpuUsage()
  const asker = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const { rate, p99 } = JSON.parse(await text(asker.stdout)) as { rate: number; p99: number }
  const { user, system } = process.cpuUsage(before)
  yield {
    what: 'DNS of one node, names of Services by UDP',
    value: `${rounded(rate)} queries/s, p99 ${rounded(p99, 1)} ms`,
    note: `${rounded((user + system) / queries)} µs of processor time a query; ${rounded(serviceCount)} Services, ${width} queries in flight`,
  }
}
