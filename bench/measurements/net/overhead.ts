import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { wholeTable } from '../../../src/base/nft-table.ts'
import { planServiceRules } from '../../../src/discovery/service-rules.ts'
import { serviceTableOf } from '../../../src/discovery/service-table.ts'
import { openWires, serverIp } from '../../../src/discovery/testing/wires.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { median } from '../../support/statistics.ts'
import { clusterIp, someServices } from './services.ts'

const rounds = 5
const goalPercent = 3
const serviceCount = 100

const kinds = [
  { what: 'requests on kept connections', path: '/', headers: [], unit: '/s' },
  { what: 'requests on new connections', path: '/', headers: ['-H', 'Connection: close'], unit: '/s' },
  { what: 'throughput of 1 MB answers', path: '/big', headers: [], unit: '/s' },
]

/** What a Service costs beside its endpoint, called directly: turn about, so that both see the same machine. */
export async function* overhead(): AsyncIterable<Row> {
  using wires = openWires()
  const { services, slices } = someServices(serviceCount, 1)
  slices[0]!.endpoints = [{ addresses: [serverIp], conditions: { ready: true } }]
  const rules = planServiceRules({ services, slices, nodeName: 'n1', podCidrs: ['10.244.0.0/16'] })
  await wires.node.run('nft', ['-f', '-'], { stdin: wholeTable('optiflow-services', serviceTableOf(rules)).join('\n') })
  const [program, ...words] = [...wires.inServer, process.execPath, resolve(import.meta.dirname, 'answering.mjs')]
  const server = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(server.stdout, 'data')
    const turn = (host: string, path: string, headers: string[]) => {
      const [nsenter, ...inside] = wires.inClient
      const url = `http://${host}${path}`
      const out = execFileSync(nsenter!, [
        ...inside,
        'wrk',
        '-t1',
        '-c16',
        '-d1s',
        '--latency',
        ...headers,
        url,
      ]).toString()
      return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)![1]), p50: /^\s+50%\s+(\S+)/m.exec(out)![1]! }
    }
    for (const { what, path, headers, unit } of kinds) {
      const [direct, through]: [number[], number[]] = [[], []]
      let latency = ''
      for (let i = 0; i < rounds; i++) {
        const one = turn(`${serverIp}:8080`, path, headers)
        const other = turn(`${clusterIp(0)}:80`, path, headers)
        direct.push(one.rate)
        through.push(other.rate)
        latency = `p50 ${one.p50} directly, ${other.p50} through it`
      }
      const added = median(direct.map((rate, i) => (rate / through[i]! - 1) * 100))
      yield {
        what: `Service beside its endpoint: ${what}`,
        value: `${rounded(added, 1)} % added (${rounded(median(direct))}${unit} directly, ${rounded(median(through))}${unit} through it)`,
        goal: `≤ ${goalPercent} %`,
        reached: added <= goalPercent,
        note: `${latency}; ${serviceCount} Services in the rules, median of ${rounds} pairs of turns`,
      }
    }
  } finally {
    server.kill()
  }
}
