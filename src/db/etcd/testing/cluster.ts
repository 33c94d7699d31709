import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../base/clock.ts'
import { EtcdRpc } from '../rpc.ts'

export interface Member {
  endpoint: string
  process: ChildProcess
}

/** Real etcd members on loopback, for tests. */
export class EtcdCluster {
  readonly members: Member[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'optiflow-etcd-'))
  readonly #arguments: string[][] = []

  static async start(size: number): Promise<EtcdCluster> {
    const cluster = new EtcdCluster()
    const ports = await freePorts(size * 2)
    const all = Array.from({ length: size }, (_, i) => `m${i}=http://127.0.0.1:${ports[size + i]}`).join(',')
    for (let i = 0; i < size; i++) {
      const [client, peer] = [`http://127.0.0.1:${ports[i]}`, `http://127.0.0.1:${ports[size + i]}`]
      cluster.#arguments.push([
        ...['--name', `m${i}`, '--data-dir', join(cluster.#folder, `m${i}`), '--logger', 'zap', '--log-level', 'error'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', all, '--initial-cluster-token', `t${ports[0]}`, '--max-txn-ops', '1024'],
      ])
      cluster.members.push({ endpoint: client, process: cluster.#spawn(i) })
    }
    await Promise.all(cluster.members.map(m => healthy(m.endpoint)))
    return cluster
  }

  get endpoints(): string[] {
    return this.members.map(m => m.endpoint)
  }

  /** Kill -9. */
  async kill(i: number): Promise<void> {
    const { process } = this.members[i]!
    const gone = new Promise(resolve => process.once('exit', resolve))
    process.kill('SIGKILL')
    await gone
  }

  async restart(i: number): Promise<void> {
    this.members[i]!.process = this.#spawn(i)
    await healthy(this.members[i]!.endpoint)
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.members.map((m, i) => (m.process.exitCode === null && !m.process.killed ? this.kill(i) : undefined)),
    )
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #spawn(i: number): ChildProcess {
    return spawn('etcd', this.#arguments[i]!, { stdio: 'ignore' })
  }
}

async function healthy(endpoint: string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const up = await fetch(`${endpoint}/health`)
      .then(r => r.json())
      .then(
        body => (body as { health: string }).health === 'true',
        () => false,
      )
    if (up) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`etcd at ${endpoint} did not become healthy`)
}

/** Deletes every key and forgets the past. */
export async function wipe(endpoints: string[]): Promise<void> {
  const rpc = new EtcdRpc({ endpoints }, systemClock)
  const everything = { key: Buffer.from([0]), range_end: Buffer.from([0]) }
  const { header } = await rpc.unary<{ header: { revision: string } }>('KV', 'DeleteRange', everything, true)
  await rpc.unary('KV', 'Compact', { revision: header.revision }, true).catch(() => {})
  rpc.close()
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>(resolve => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map(s => (s.address() as { port: number }).port)
  await Promise.all(servers.map(s => new Promise(resolve => s.close(resolve))))
  return ports
}
