import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Machine } from './lan.ts'
import { tracesOf } from './leftovers.ts'
import { type Ended, onPath, type Started, until } from './processes.ts'

export const optiflow = resolve(import.meta.dirname, '../../bin/optiflow')

/** What the stories with real containers need and this machine lacks; undefined when all is there. */
export function realImpossible(): string | undefined {
  if (process.platform !== 'linux') return 'no Linux'
  if (process.getuid?.() !== 0) return 'not root'
  const missing = ['containerd', 'runc', 'nft', 'iptables', 'ip', 'nsenter', 'kubectl'].filter(name => !onPath(name))
  if (missing.length) return `no ${missing.join(', ')}`
  if (!existsSync('/bin/busybox')) return 'no /bin/busybox to make images from'
  return existsSync(resolve(import.meta.dirname, '../../dist/optiflow.cjs')) ? undefined : 'not built: npm run build'
}

/** The program's parts on one machine, each a process that can be killed and started again. */
export class Parts implements AsyncDisposable {
  readonly machine: Machine
  readonly dataDir: string
  readonly kubeconfig: string
  readonly #env: Record<string, string>
  readonly #running = new Map<string, Started>()

  constructor(machine: Machine, folder: string) {
    this.machine = machine
    this.dataDir = join(folder, machine.name)
    this.kubeconfig = join(folder, 'kubeconfig')
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      KUBECONFIG: this.kubeconfig,
      NO_COLOR: '1',
    }
  }

  /** Starts `optiflow PART …` and waits until it has printed `ready`. */
  async start(part: string, args: string[], ready: string, timeoutMs = 30_000): Promise<Started> {
    const started = this.launch(part, args)
    let over: Ended | undefined
    void started.ended.then(ended => {
      over = ended
    })
    await until(`${part} to say "${ready}"`, () => over ?? started.out().includes(ready), { timeoutMs, everyMs: 20 })
    if (over) throw new Error(`optiflow ${part} ended with ${over.code}\n${over.out}${over.err}`)
    return started
  }

  /** Starts `optiflow PART …` and waits for nothing. */
  launch(part: string, args: string[]): Started {
    const started = this.machine.start(optiflow, [part, ...args], { env: this.#env })
    this.#running.set(part, started)
    return started
  }

  /** Ends one part by `signal` and waits for its end. */
  async end(part: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const started = this.#running.get(part)
    this.#running.delete(part)
    await started?.stop(signal)
  }

  /** As if the machine lost its power: the parts, containerd and all containers end at once. Its wires and files stay. */
  async die(): Promise<void> {
    await Promise.all([...this.#running.keys()].map(part => this.end(part, 'SIGKILL')))
    await until('everything there to end', async () => {
      const { processes } = await tracesOf(this.machine, this.dataDir)
      for (const line of processes!) process.kill(Number(line.split(' ')[0]), 'SIGKILL')
      return processes!.length === 0
    })
  }

  pid(part: string): number {
    return this.#running.get(part)!.child.pid!
  }

  /** All that a running part has written up to now. */
  saidBy(part: string): string {
    const started = this.#running.get(part)
    return started ? started.out() + started.err() : 'nothing: it was never started'
  }

  /** Runs `optiflow …` to its end; it must succeed. */
  optiflow(...args: string[]): Promise<string> {
    return this.machine.ok(optiflow, args, { env: this.#env, timeoutMs: 60_000 })
  }

  /** Runs `optiflow …` to its end, whatever that is. */
  optiflowRun(...args: string[]): Promise<Ended> {
    return this.machine.run(optiflow, args, { env: this.#env, timeoutMs: 60_000 })
  }

  /** Runs kubectl on this machine; it must succeed. @returns its output */
  kubectl(...args: string[]): Promise<string> {
    return this.machine.ok('kubectl', args, { env: this.#env })
  }

  /** A kubectl that goes on. */
  kubectlStart(args: string[], env: Record<string, string> = {}): Started {
    return this.machine.start('kubectl', args, { env: { ...this.#env, ...env } })
  }

  /** Runs kubectl to its end, whatever that is. */
  kubectlRun(args: string[], stdin = '', env: Record<string, string> = {}): Promise<Ended> {
    return this.machine.run('kubectl', args, { env: { ...this.#env, ...env }, stdin })
  }

  async apply(...objects: object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects }
    await this.machine.ok('kubectl', ['apply', '-f', '-'], { env: this.#env, stdin: JSON.stringify(list) })
  }

  async get(...args: string[]): Promise<any> {
    return JSON.parse(await this.kubectl('get', ...args, '-o', 'json'))
  }

  /** Pods with this label that are not on their way out. */
  async pods(selector: string): Promise<any[]> {
    return (await this.get('pods', '-l', selector)).items.filter((pod: any) => !pod.metadata.deletionTimestamp)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [...this.#running.keys()].reverse()) await this.end(part, 'SIGKILL').catch(() => {})
    await this.optiflow('down', '--purge', '--data-dir', this.dataDir).catch(error => {
      process.stderr.write(`down --purge on ${this.machine.name}: ${error}\n`)
    })
  }
}

export const isReady = (pod: any): boolean =>
  pod.status?.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True') ?? false
