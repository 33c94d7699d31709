import { type Clock, sleep } from '../../base/clock.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { NodeAddress, NodeDialer } from '../nodes/node-dialer.ts'
import { type NodeUsage, usageBetween } from './usage-between.ts'
import { readUsage, type UsageSample } from './usage-sample.ts'

/** A node's agent is not asked again before this. */
const freshMs = 15_000
/** An older sample would tell of a time that nobody means by "now". */
const longestWindowMs = 60_000
const firstWindowMs = 1_000
const path = '/metrics/resource'
const timeoutMs = 3_000
/** A thousand bytes for each of 16,000 containers. */
const maxBytes = 16 * 1024 * 1024

interface Measured {
  sample: UsageSample
  usage: NodeUsage
}

interface Entry {
  host: string
  port: number
  /** Monotonic milliseconds. */
  askedAtMs: number
  measured: Promise<Measured>
}

/** What nodes use, from their agents, asked only when somebody wants to know. */
export class NodeUsages {
  readonly #dialer: NodeDialer
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(dialer: NodeDialer, clock: Clock) {
    this.#dialer = dialer
    this.#clock = clock
  }

  /** At most 15 s old. Rejects if the agent did not answer then, with the reason. */
  async of({ name, host, port }: NodeAddress): Promise<NodeUsage> {
    const now = this.#clock.monotonicMs()
    const known = this.#entries.get(name)
    const last = known?.host === host && known.port === port ? known : undefined
    if (last && now - last.askedAtMs < freshMs) return (await last.measured).usage
    const recent = last && now - last.askedAtMs <= longestWindowMs ? last : undefined
    const measured = this.#measure({ name, host, port }, recent)
    // Deleted first, so that the oldest are in front.
    this.#entries.delete(name)
    this.#forgetOld(now)
    this.#entries.set(name, { host, port, askedAtMs: now, measured })
    return (await measured).usage
  }

  async #measure(node: NodeAddress, last: Entry | undefined): Promise<Measured> {
    let before = (await last?.measured.catch(() => undefined))?.sample
    if (!before) {
      before = await this.#ask(node)
      await sleep(this.#clock, firstWindowMs)
    }
    const sample = await this.#ask(node)
    return { sample, usage: usageBetween(before, sample) }
  }

  async #ask(node: NodeAddress): Promise<UsageSample> {
    const abort = new AbortController()
    const cancel = this.#clock.schedule(timeoutMs, () =>
      abort.abort(new OptiFlowError(`no answer within ${timeoutMs / 1_000} s`)),
    )
    try {
      return readUsage(await this.#text(node, abort.signal), this.#clock.now())
    } finally {
      cancel()
    }
  }

  async #text(node: NodeAddress, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.#dialer.open(node, { method: 'GET', path, headers: {}, signal })
    const stop = () => body.destroy(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        if ((size += chunk.length) > maxBytes) throw new OptiFlowError(`${path} is longer than ${maxBytes} bytes`)
        chunks.push(chunk)
      }
      if (status !== 200) throw new OptiFlowError(`${path} answered ${status}`)
      return Buffer.concat(chunks).toString()
    } finally {
      signal.removeEventListener('abort', stop)
      body.destroy()
    }
  }

  /** Nodes that are gone are not asked for any more. */
  #forgetOld(now: number): void {
    for (const [name, { askedAtMs }] of this.#entries) {
      if (now - askedAtMs <= longestWindowMs) break
      this.#entries.delete(name)
    }
  }
}
