/**
 * Requests a second through the gateway beside Caddy and plain HAProxy of Debian, turn about in one run so that all see the same
 * machine. One connection pool of `wrk`, one backend that answers at once, one route.
 *
 *   npx tsx bench/gateway.ts [seconds a turn, default 3] [rounds, default 3]
 *
 * Needs Debian's haproxy, caddy and wrk.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { systemCommands } from '../src/base/commands.ts'
import { systemDisk } from '../src/base/disk.ts'
import { silentLogger } from '../src/base/logger.ts'
import { systemNet } from '../src/base/net.ts'
import { systemRandom } from '../src/base/random.ts'
import { listenWeb } from '../src/base/web-server.ts'
import { EmbeddedPlane, HaproxyPlane } from '../src/gateway/index.ts'
import type { RoutingTable } from '../src/gateway/routing-table.ts'

const seconds = Number(process.argv[2] ?? 3)
const rounds = Number(process.argv[3] ?? 3)
const connections = 32
const base = 21_700
const backendPort = base

const endpoints = [{ ip: '127.0.0.1', port: backendPort }]
const backend = { name: 'default/web:80', endpoints }
const action = { route: 'Ingress default/web', backends: [{ weight: 1, backend }] }
const routes = [{ match: { path: { type: 'Prefix' as const, path: '' } }, action }]
const hosts = new Map([['bench.test', routes]])
const table: RoutingTable = { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
const ownCertificate = { cert: '', key: '' }
const world = { clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger }

// The gateway in a process of its own: this one is asked to be it.
if (process.argv[2] === 'embedded') {
  const plane = new EmbeddedPlane({ ...world, listen: listenWeb, ownCertificate })
  await plane.open({ plain: { host: '127.0.0.1', port: base + 1 }, held: true })
  await plane.serve(table, new Map())
} else await compare()

async function compare(): Promise<void> {
  const keepAlive = setInterval(() => {}, 1_000)
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-bench-gateway-'))
  const children: ChildProcess[] = []
  const start = (program: string, args: string[]) => children.push(spawn(program, args, { stdio: 'ignore' }))
  const config = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  const haproxy = (name: string, text: string) =>
    start('haproxy', [
      '-db',
      '-f',
      config(name, `defaults\n mode http\n timeout connect 3s\n timeout client 60s\n timeout server 60s\n${text}\n`),
    ])
  haproxy(
    'backend.cfg',
    `frontend f\n bind 127.0.0.1:${backendPort}\n http-request return status 200 content-type text/plain string hello`,
  )
  haproxy(
    'plain.cfg',
    `frontend f\n bind 127.0.0.1:${base + 2}\n use_backend b if { hdr(host) -m str bench.test }\nbackend b\n server a 127.0.0.1:${backendPort}`,
  )
  start('caddy', [
    'run',
    '--adapter',
    'caddyfile',
    '--config',
    config(
      'Caddyfile',
      `{\n admin off\n auto_https off\n}\nhttp://bench.test:${base + 3} {\n reverse_proxy 127.0.0.1:${backendPort}\n}\n`,
    ),
  ])
  // As much room for what lives shortly as the gateway's thread has.
  start(process.execPath, ['--max-semi-space-size=21', '--import', 'tsx', import.meta.filename, 'embedded'])
  const plane = new HaproxyPlane({
    ...{
      ...world,
      commands: systemCommands,
      disk: systemDisk,
      folder: join(folder, 'plane'),
      ownCertificate,
      user: undefined,
    },
  })
  await plane.open({ plain: { host: '127.0.0.1', port: base + 4 }, held: true })
  await plane.serve(table, new Map())
  const ways = {
    direct: base,
    embedded: base + 1,
    'plain HAProxy': base + 2,
    Caddy: base + 3,
    'HAProxy engine': base + 4,
  }
  try {
    for (const port of Object.values(ways)) await listening(port)
    const seen = new Map(Object.keys(ways).map(name => [name, [] as Turn[]]))
    for (let round = 0; round < rounds; round++)
      for (const [name, port] of Object.entries(ways)) seen.get(name)!.push(turn(port))
    const middle = (name: string) => seen.get(name)!.sort((a, b) => a.perSecond - b.perSecond)[rounds >> 1]!
    for (const name of seen.keys()) {
      const { perSecond, p50, p99 } = middle(name)
      console.log(
        `${name.padEnd(15)} ${Math.round(perSecond).toLocaleString('en').padStart(8)} requests/s  p50 ${p50}  p99 ${p99}`,
      )
    }
    const part = (a: string, b: string) => `${Math.round((100 * middle(a).perSecond) / middle(b).perSecond)} %`
    console.log(`embedded is ${part('embedded', 'Caddy')} of Caddy (goal ≥ 40 %)`)
    console.log(`the HAProxy engine is ${part('HAProxy engine', 'plain HAProxy')} of plain HAProxy (goal ≥ 95 %)`)
  } finally {
    await plane[Symbol.asyncDispose]()
    for (const child of children) {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
    clearInterval(keepAlive)
  }
}

interface Turn {
  perSecond: number
  p50: string
  p99: string
}

function turn(port: number): Turn {
  const { stdout } = spawnSync(
    'wrk',
    ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', 'Host: bench.test', `http://127.0.0.1:${port}/`],
    { encoding: 'utf8' },
  )
  const errors = /Non-2xx.*|Socket errors.*/.exec(stdout)
  if (errors) throw new Error(`port ${port}: ${errors[0]}`)
  const find = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? '?'
  return { perSecond: Number(find(/Requests\/sec: +([\d.]+)/)), p50: find(/50% +(\S+)/), p99: find(/99% +(\S+)/) }
}

/** Resolves when the route is there, not only the port. */
async function listening(port: number): Promise<void> {
  const until = systemClock.monotonicMs() + 20_000
  for (;;) {
    const reply = await systemNet
      .stream(`http://127.0.0.1:${port}/`, { headers: { host: 'bench.test' }, timeoutMs: 1_000 })
      .catch(() => undefined)
    reply?.body.resume()
    if (reply?.status === 200) return
    if (systemClock.monotonicMs() > until) throw new Error(`nothing answers on port ${port}`)
    await new Promise(done => systemClock.schedule(100, () => done(undefined)))
  }
}
