import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ApiConnection, openApi } from './api.ts'
import { freePorts } from './ports.ts'
import { pause } from './statistics.ts'

const program = resolve(import.meta.dirname, '../../bin/optiflow')

export interface BenchCluster extends AsyncDisposable {
  pid: number
  api: ApiConnection
  dataDir: string
  /** From the start of the process until /readyz answered 200. */
  readyMs: number
  /** Ends the process and leaves its data. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  runtime: 'simulated' | 'containerd'
  /** Of an earlier start; a new one, removed at the end, by default. */
  dataDir?: string
  flags?: string[]
  /** Waits until its node is Ready too. Default true. */
  node?: boolean
}

/** A folder for the data of a cluster. */
export function dataFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'optiflow-bench-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts the built program as a user would, on a free port of loopback. */
export async function startCluster(options: ClusterOptions): Promise<BenchCluster> {
  const own = options.dataDir ? undefined : dataFolder()
  const folder = options.dataDir ?? own!.path
  const dataDir = join(folder, 'data')
  const [port] = await freePorts(1)
  const flags = ['--data-dir', dataDir, '--kubeconfig', join(folder, 'kubeconfig'), '--listen', `127.0.0.1:${port}`]
  const args = ['up', ...flags, '--runtime', options.runtime, '--node-name', 'bench', ...(options.flags ?? [])]
  const profile = process.env['BENCH_CPU_PROF']
  const startedAt = performance.now()
  // As people start it, with the flags of its first line; a profile is asked for beside them.
  const profiling = [process.execPath, '--max-semi-space-size=32', '--cpu-prof', `--cpu-prof-dir=${profile}`]
  const [command, ...words] = profile ? [...profiling, program] : [program]
  const child = spawn(command!, [...words, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', chunk => {
      said += chunk
    })
  let api: ApiConnection | undefined
  const stop = async () => {
    await api?.[Symbol.asyncDispose]()
    await endProcess(child)
  }
  try {
    const alive = () => {
      if (child.exitCode !== null) throw new Error(`optiflow up ended with ${child.exitCode}:\n${said}`)
      if (performance.now() - startedAt > 60_000) throw new Error(`optiflow up is not ready after a minute:\n${said}`)
    }
    const pki = join(dataDir, 'pki')
    // The address is known before the process is: polling costs a few refused connections.
    while (!existsSync(join(pki, 'join-token'))) await pause(2).then(alive)
    const keys = {
      ca: readFileSync(join(pki, 'ca.crt'), 'utf8'),
      cert: readFileSync(join(pki, 'admin.crt'), 'utf8'),
      key: readFileSync(join(pki, 'admin.key'), 'utf8'),
    }
    api = openApi({ port: port!, ...keys })
    while ((await api.request('GET', '/readyz').catch(() => undefined))?.status !== 200) await pause(2).then(alive)
    const readyMs = performance.now() - startedAt
    if (options.node !== false)
      while (!nodeReady((await api.json('GET', '/api/v1/nodes').catch(() => undefined)) ?? {}))
        await pause(100).then(alive)
    return {
      pid: child.pid!,
      api,
      dataDir,
      readyMs,
      stop,
      async [Symbol.asyncDispose]() {
        await stop()
        if (options.runtime === 'containerd') await tearDown(dataDir)
        own?.[Symbol.dispose]()
      },
    }
  } catch (error) {
    await stop()
    if (options.runtime === 'containerd') await tearDown(dataDir)
    own?.[Symbol.dispose]()
    throw error
  }
}

const nodeReady = (list: any): boolean =>
  (list.items?.[0]?.status?.conditions ?? []).some((c: any) => c.type === 'Ready' && c.status === 'True') &&
  !list.items[0].spec.taints?.length

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await ended
  clearTimeout(timer)
}

/** Containers outlive `up`; `down --purge` ends them and takes their data away. @throws Error when it fails */
export async function tearDown(dataDir: string): Promise<void> {
  const down = spawn(process.execPath, [program, 'down', '--purge', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [down.stdout, down.stderr])
    stream.on('data', chunk => {
      said += chunk
    })
  const [code] = await once(down, 'exit')
  if (code !== 0) throw new Error(`optiflow down ended with ${code}, ${dataDir} is left as it is:\n${said}`)
}
