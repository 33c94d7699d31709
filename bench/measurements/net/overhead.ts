import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { wholeTable } from '../../../src/base/nft-table.ts'
import { planServiceRules } from '../../../src/discovery/service-rules.ts'
import { serviceTableOf } from '../../../src/discovery/service-table.ts'
import { openWires, serverIp } from '../../../src/discovery/testing/wires.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { processorMs } from '../../support/process-use.ts'
import { median } from '../../support/statistics.ts'
import { clusterIp, someServices } from './services.ts'

const rounds = 7
const goalPercent = 3
const serviceCount = 100

/** What the kernel's own translation costs, whoever asks for it: one rule, beside which ours is judged. */
const bareIp = '10.97.0.1'
const bareRule = `table ip bare {
  chain prerouting {
    type nat hook prerouting priority dstnat - 1;
    ip daddr ${bareIp} tcp dport 80 dnat to ${serverIp}:8082
  }
}
`

const kinds = [
  { what: 'requests on kept connections', path: '/', headers: [] },
  { what: 'requests on new connections', path: '/', headers: ['-H', 'Connection: close'] },
  { what: 'throughput of 1 MB answers', path: '/big', headers: [] },
]

interface Turn {
  /** Requests a second. */
  rate: number
  p50: string
  /** Processor time of a request at both ends and between them: what no busy neighbour changes. */
  costMs: number
}

/** What a Service costs beside its endpoint, called directly: turn about, each first as often, so that both see the same machine. */
export async function* overhead(): AsyncIterable<Row> {
  using wires = openWires()
  const { services, slices } = someServices(serviceCount, 1)
  slices[0]!.endpoints = [{ addresses: [serverIp], conditions: { ready: true } }]
  const rules = planServiceRules({ services, slices, nodeName: 'n1', podCidrs: ['10.244.0.0/16'] })
  await wires.node.run('nft', ['-f', '-'], { stdin: wholeTable('optiflow-services', serviceTableOf(rules)).join('\n') })
  await wires.node.run('nft', ['-f', '-'], { stdin: bareRule })
  const [program, ...words] = [...wires.inServer, process.execPath, resolve(import.meta.dirname, 'answering.mjs')]
  const server = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(server.stdout, 'data')
    const turn = (host: string, path: string, headers: string[]): Turn => {
      const words = [...wires.inClient, 'wrk', '-t1', '-c16', '-d1s', '--latency', ...headers, `http://${host}${path}`]
      const before = processorMs(server.pid!).all
      const { stdout, stderr } = spawnSync('bash', ['-c', 'time "$0" "$@"', ...words], {
        encoding: 'utf8',
        env: { ...process.env, TIMEFORMAT: '%U %S' },
      })
      const [user, system] = stderr.trim().split(' ').map(Number)
      const usedMs = processorMs(server.pid!).all - before + (user! + system!) * 1_000
      return {
        rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]),
        p50: /^\s+50%\s+(\S+)/m.exec(stdout)![1]!,
        costMs: usedMs / Number(/(\d+) requests in/.exec(stdout)![1]),
      }
    }
    for (const { what, path, headers } of kinds) {
      const pairs: { direct: Turn; through: Turn; bare: Turn }[] = []
      for (let i = 0; i < rounds; i++) {
        // Its own port: two ways to one port would reuse each other's connections, whose time stamps start elsewhere, and wait a second.
        const directly = () => turn(`${serverIp}:8081`, path, headers)
        const first = i % 2 ? directly() : undefined
        const through = turn(`${clusterIp(0)}:80`, path, headers)
        const bare = turn(`${bareIp}:80`, path, headers)
        pairs.push({ direct: first ?? directly(), through, bare })
      }
      const middle = (of: (pair: (typeof pairs)[number]) => number) => median(pairs.map(of))
      const added = middle(({ direct, through }) => (direct.rate / through.rate - 1) * 100)
      const used = middle(({ direct, through }) => (through.costMs / direct.costMs - 1) * 100)
      const floor = middle(({ direct, bare }) => (bare.costMs / direct.costMs - 1) * 100)
      const { direct, through } = pairs.at(-1)!
      yield {
        what: `Service beside its endpoint: ${what}`,
        value: `${rounded(added, 1)} % added (${rounded(middle(p => p.direct.rate))}/s directly, ${rounded(middle(p => p.through.rate))}/s through it)`,
        goal: `≤ ${goalPercent} %`,
        reached: added <= goalPercent,
        note: `p50 ${direct.p50} directly, ${through.p50} through it; ${rounded(used, 1)} % more processor time a request, ${rounded(floor, 1)} % by one bare rule of translation in the place of ours; ${serviceCount} Services in the rules, median of ${rounds} pairs of turns`,
      }
    }
  } finally {
    server.kill()
  }
}
