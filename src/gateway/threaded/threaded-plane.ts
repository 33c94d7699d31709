import { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { workerFile } from '../../base/worker-file.ts'
import type { GatewayMetrics } from '../accounts.ts'
import { type Address, type DataPlane, type Doors, GatewayFailed } from '../data-plane.ts'
import type { Certificate } from '../routing-table.ts'
import { emptyTable, type RoutingTable } from '../routing-table.ts'
import { portable } from './portable.ts'
import type { Count, Failure, Order, Said } from './protocol.ts'

export interface ThreadedOptions {
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  clock: Clock
  disk: Disk
  log: Logger
  metrics: GatewayMetrics
}

/** What requests need lives shortly: with room for it, little is looked through twice. */
const maxYoungGenerationSizeMb = 64

/** Before a thread that ended by itself is started again. */
const againMs = 500

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

/** Our own proxy in a thread of its own: a busy API server holds up no request. */
export class ThreadedPlane implements DataPlane {
  readonly #options: ThreadedOptions
  readonly #waiting = new Map<number, Waiting>()
  #ownCertificate: Certificate
  #worker: Worker | undefined
  #exited: Promise<void> = Promise.resolve()
  #next = 1
  #closing = false
  #ports = new Map<number, number>()
  #missing: ReadonlyMap<number, string> = new Map()
  #open: Extract<Order, { type: 'open' }> | undefined
  #table: RoutingTable = emptyTable
  #answers: ReadonlyMap<string, string> = new Map()

  constructor(options: ThreadedOptions) {
    this.#options = options
    this.#ownCertificate = options.ownCertificate
  }

  async open(doors: Doors): Promise<void> {
    await this.#start()
    await this.#ask({ type: 'open', doors })
    // Should the thread end, the next one has the same ports.
    const at = (address: Address, port: number) => ({ ...address, port: this.#ports.get(port) ?? address.port })
    const { plain, secure } = doors
    this.#open = { type: 'open', doors: { ...doors, plain: at(plain, 80), secure: secure && at(secure, 443) } }
  }

  realPort(port: number): number | undefined {
    return this.#ports.get(port)
  }

  get missing(): ReadonlyMap<number, string> {
    return this.#missing
  }

  async serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void> {
    this.#table = table
    this.#answers = answers
    await this.#ask({ type: 'serve', table: portable(table), answers })
  }

  async useOwnCertificate(certificate: Certificate): Promise<void> {
    // A thread that starts anew has it from there.
    this.#ownCertificate = certificate
    if (this.#worker) await this.#ask({ type: 'certificate', certificate })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    if (this.#worker) await this.#ask({ type: 'close' }).catch(() => {})
    await this.#exited
  }

  async #start(): Promise<void> {
    const { disk, log } = this.#options
    const worker = new Worker(await workerFile(defaultWorker(), disk), {
      ...{ workerData: this.#ownCertificate, execArgv: [], name: 'optiflow-gateway' },
      resourceLimits: { maxYoungGenerationSizeMb },
    })
    this.#worker = worker
    worker.on('message', (said: Said) => this.#hear(said))
    worker.on('error', error => log.error({ error: explain(error) }, 'the thread of the gateway crashed'))
    this.#exited = new Promise(resolve =>
      worker.once('exit', () => {
        this.#worker = undefined
        for (const { reject } of this.#waiting.values()) reject(new GatewayFailed('the thread of the gateway ended'))
        this.#waiting.clear()
        resolve()
        if (!this.#closing && this.#open) this.#options.clock.schedule(againMs, () => void this.#startAgain())
      }),
    )
  }

  async #startAgain(): Promise<void> {
    if (this.#closing) return
    try {
      await this.#start()
      await this.#ask(this.#open!)
      await this.#ask({ type: 'serve', table: portable(this.#table), answers: this.#answers })
    } catch (error) {
      this.#options.log.error({ error: explain(error) }, 'the gateway could not be started again')
      void this.#worker?.terminate()
    }
  }

  #ask(order: Order): Promise<void> {
    const worker = this.#worker
    // It starts again by itself, with the newest table.
    if (!worker) return order.type === 'serve' ? Promise.resolve() : Promise.reject(new GatewayFailed('it has ended'))
    return new Promise<void>((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ id, order })
    })
  }

  #hear(said: Said): void {
    switch (said.type) {
      case 'log':
        this.#options.log[said.level](said.fields, said.message)
        return
      case 'counted':
        for (const count of said.counts) this.#count(count)
        return
      case 'done':
        this.#ports = new Map(said.ports)
        this.#missing = new Map(said.missing)
        this.#waiting.get(said.id)?.resolve()
        break
      case 'failed':
        this.#waiting.get(said.id)?.reject(errorOf(said.failure))
    }
    this.#waiting.delete(said.id)
  }

  #count([name, ...args]: Count): void {
    const { metrics } = this.#options
    ;(metrics[name] as (...args: unknown[]) => void)(...args)
  }
}

function errorOf({ message, hint, cause }: Failure): GatewayFailed {
  return new GatewayFailed(message, {
    ...(hint ? { hint } : {}),
    ...(cause ? { cause: Object.assign(new Error(cause.message), { code: cause.code }) } : {}),
  })
}

function defaultWorker(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './gateway-worker.ts' : './gateway-worker.js', import.meta.url)
}
