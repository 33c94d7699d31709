import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { type Row, rounded } from '../../support/measurement.ts'

const perSecond = 500

/** Probers of the agent, in a process of their own, ask a server in this one. */
export async function* probes(): AsyncIterable<Row> {
  let asked = 0
  const server = createServer((_, reply) => {
    asked++
    reply.end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const script = resolve(import.meta.dirname, 'probing-main.ts')
  const port = String((server.address() as AddressInfo).port)
  const child = spawn(process.execPath, ['--import', 'tsx', script, port, String(perSecond)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  await once(child, 'close')
  server.close()
  const { seconds, processorMs } = JSON.parse(said)
  const share = processorMs / (10 * seconds)
  yield {
    what: `${perSecond} http probes a second`,
    value: `${rounded(share, 1)} % of a core`,
    goal: '< 10 %',
    reached: share < 10,
    note: `${asked} asked in all`,
  }
}
