import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type BenchCluster, endProcess, startCluster, tearDown } from './cluster.ts'
import { pause } from './statistics.ts'

const program = resolve(import.meta.dirname, '../../bin/optiflow')

/** A server without nodes, and a node with real containers as a process of its own, so that each can be measured alone. */
export interface BenchNode extends AsyncDisposable {
  server: BenchCluster
  /** Of the agent. */
  pid: number
  dataDir: string
}

export async function startBenchNode(flags: string[]): Promise<BenchNode> {
  const server = await startCluster({ runtime: 'simulated', flags: ['--nodes', '0'], node: false })
  const dataDir = `${server.dataDir}-node`
  let child: ChildProcess | undefined
  const dispose = async () => {
    if (child) await endProcess(child)
    await tearDown(dataDir)
    await server[Symbol.asyncDispose]()
  }
  try {
    const token = readFileSync(join(server.dataDir, 'pki/join-token'), 'utf8').trim()
    const where = ['--server', `https://127.0.0.1:${server.api.keys.port}`, '--token', token, '--node-ip', '127.0.0.1']
    const name = ['--data-dir', dataDir, '--node-name', 'bench']
    const profile = process.env['BENCH_CPU_PROF']
    // As people start it, with what its first lines give it; a profile is asked for beside them.
    const profiling = [process.execPath, '--max-semi-space-size=32', '--cpu-prof', `--cpu-prof-dir=${profile}`, program]
    const [command, ...words] = profile ? profiling : [program]
    child = spawn(command!, [...words, 'agent', ...where, ...name, ...flags], { stdio: 'ignore' })
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`optiflow agent ended with ${code}`)))
    ended.catch(() => {})
    await Promise.race([ready(server), ended])
    return { server, pid: child.pid!, dataDir, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function ready({ api }: BenchCluster): Promise<void> {
  const path = '/api/v1/nodes/bench'
  for (;;) {
    const node = await api.json('GET', path).catch(() => undefined)
    const is = node?.status?.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True')
    if (is && !node.spec.taints?.length) return
    await pause(50)
  }
}
