import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { type Ended, freePort, onPath, type RunOptions, run, type Started, start, until } from './processes.ts'

export const root = resolve(import.meta.dirname, '../..')
export const optiflow = join(root, 'bin/optiflow')
export const hasKubectl = onPath('kubectl')

if (!existsSync(join(root, 'dist/optiflow.cjs')))
  throw new Error('the program is not built: run "npm run build" before these tests')

export interface ClusterOptions {
  nodes?: number
  /** More flags of `optiflow up`. */
  flags?: string[]
  env?: Record<string, string>
}

/** An answer of the API over HTTPS. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The body as JSON; undefined if it is none. */
  json: any
}

export interface Call {
  body?: unknown
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array
  headers?: Record<string, string>
  /** Without the admin's certificate. */
  anonymous?: boolean
}

/**
 * A whole cluster on the simulated runtime, run as users run it: `bin/optiflow up` as a process of its own, with a folder
 * of its own for data, kubeconfig and the programs' HOME.
 */
export class Cluster implements AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly dataDir: string
  readonly kubeconfig: string
  readonly url: string
  #options: ClusterOptions
  #process: Started | undefined
  #agent: Agent | undefined
  #anonymous: Agent | undefined

  private constructor(folder: string, port: number, options: ClusterOptions) {
    this.folder = folder
    this.port = port
    this.dataDir = join(folder, 'data')
    this.kubeconfig = join(folder, 'kubeconfig')
    this.url = `https://127.0.0.1:${port}`
    this.#options = options
  }

  /** Starts one and waits until it is ready. The caller disposes of it: process, folder and all. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'optiflow-test-'))
    const cluster = new Cluster(folder, await freePort(), options)
    try {
      await cluster.up()
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  /** The environment of every program run for this cluster. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      TMPDIR: this.folder,
      KUBECONFIG: this.kubeconfig,
      NO_COLOR: '1',
      ...this.#options.env,
    }
  }

  /** The arguments of `optiflow up` for this cluster. */
  get upArgs(): string[] {
    return [
      ...['up', '--runtime', 'simulated', '--nodes', String(this.#options.nodes ?? 3)],
      ...['--data-dir', this.dataDir, '--listen', `127.0.0.1:${this.port}`, '--kubeconfig', this.kubeconfig],
      ...(this.#options.flags ?? []),
    ]
  }

  get process(): Started {
    if (!this.#process) throw new Error('the cluster is not running')
    return this.#process
  }

  /** Starts the process (again) and waits for /readyz and the kubeconfig. */
  async up(): Promise<void> {
    const started = start(optiflow, this.upArgs, { env: this.env })
    this.#process = started
    let over: Ended | undefined
    started.ended.then(
      ended => {
        over = ended
      },
      () => {},
    )
    await until('the cluster is ready', async () => {
      if (over) return over
      return started.out().includes('The API answers at') && (await this.ready())
    })
    if (over) {
      this.#process = undefined
      const ended = over as Ended
      throw new Error(`optiflow up ended with ${ended.code}\n${ended.out}${ended.err}`)
    }
  }

  /** Ends the process by `signal` (default SIGTERM) and waits for its end. */
  async down(signal?: NodeJS.Signals): Promise<Ended> {
    const ended = await this.process.stop(signal)
    this.#process = undefined
    await this.#agent?.close()
    await this.#anonymous?.close()
    this.#agent = undefined
    this.#anonymous = undefined
    return ended
  }

  /** True while /readyz answers 200 without credentials. */
  async ready(): Promise<boolean> {
    return (await this.call('GET', '/readyz', { anonymous: true })).status === 200
  }

  async kubectlRaw(args: string[], options: RunOptions = {}): Promise<Ended> {
    return await run('kubectl', args, {
      ...options,
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.folder,
    })
  }

  /** Runs kubectl, which must succeed. @returns its standard output */
  async kubectl(...args: string[]): Promise<string> {
    return (await this.kubectlOk(args)).out
  }

  /** Runs kubectl with a manifest as standard input (`-f -` is yours to say); it must succeed. @returns its output */
  async kubectlWith(manifest: string | object, ...args: string[]): Promise<string> {
    const stdin = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
    return (await this.kubectlOk(args, { stdin })).out
  }

  async kubectlOk(args: string[], options: RunOptions = {}): Promise<Ended> {
    const ended = await this.kubectlRaw(args, options)
    if (ended.code !== 0)
      throw new Error(`kubectl ${args.join(' ')} ended with ${ended.code}\n${ended.out}${ended.err}`)
    return ended
  }

  /** Runs kubectl, which must fail with exit code 1. @returns its standard error */
  async kubectlFails(args: string[], options: RunOptions = {}): Promise<string> {
    const ended = await this.kubectlRaw(args, options)
    if (ended.code !== 1)
      throw new Error(`kubectl ${args.join(' ')} ended with ${ended.code}, not 1\n${ended.out}${ended.err}`)
    return ended.err
  }

  /** A kubectl that goes on (`logs -f`, `get -w`). */
  kubectlStart(...args: string[]): Started {
    return start('kubectl', args, { env: this.env, cwd: this.folder })
  }

  /** Runs `optiflow` against this cluster. */
  async optiflow(args: string[], options: RunOptions = {}): Promise<Ended> {
    return await run(optiflow, args, {
      ...options,
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.folder,
    })
  }

  /** Writes a file into the cluster's folder. @returns its path */
  async file(name: string, text: string, mode = 0o644): Promise<string> {
    const path = join(this.folder, name)
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }

  /** The object as `kubectl get -o json` gives it. */
  async get(kind: string, name: string, namespace = 'default'): Promise<any> {
    return JSON.parse(await this.kubectl('get', kind, name, '-n', namespace, '-o', 'json'))
  }

  /** One HTTPS request as the admin (or nobody). Never throws for an HTTP status. */
  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const body = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body))
    const reply = await request(this.url + path, {
      method: method as 'GET',
      dispatcher: call.anonymous ? this.#stranger() : await this.#admin(),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...call.headers },
      body: body ?? null,
    })
    const text = await reply.body.text()
    return { status: reply.statusCode, headers: reply.headers, text, json: parsed(text) }
  }

  /** What the kubeconfig says: PEM texts. */
  async credentials(): Promise<{ ca: string; cert: string; key: string }> {
    const file = parse(await readFile(this.kubeconfig, 'utf8'))
    const pem = (text: string) => Buffer.from(text, 'base64').toString()
    const user = file.users[0].user
    return {
      ca: pem(file.clusters[0].cluster['certificate-authority-data']),
      cert: pem(user['client-certificate-data']),
      key: pem(user['client-key-data']),
    }
  }

  async #admin(): Promise<Agent> {
    this.#agent ??= new Agent({ connect: await this.credentials() })
    return this.#agent
  }

  #stranger(): Agent {
    this.#anonymous ??= new Agent({ connect: { rejectUnauthorized: false } })
    return this.#anonymous
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process) await this.down().catch(() => {})
    await this.#agent?.destroy()
    await this.#anonymous?.destroy()
    await rm(this.folder, { recursive: true, force: true })
  }
}

function parsed(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
