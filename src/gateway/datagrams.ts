import type { Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { UdpSocket } from '../base/net.ts'
import { hostPort } from './backend-client.ts'
import type { PassingParts } from './passthrough.ts'
import type { Backend, Endpoint, Passthrough } from './routing-table.ts'

/** A client that says nothing for so long, and is told nothing, is somebody else when it comes again. */
const idleMs = 60_000
const sweepMs = 10_000
/** Clients at a time; each has a socket. Beyond it the one that was quiet for longest is forgotten. */
const mostFlows = 4_096
/** Packets that wait until a client's socket is there. */
const mostWaiting = 64

interface Sender {
  address: string
  port: number
}

/** What one client says, and is told. */
interface Flow {
  from: Sender
  endpoint: Endpoint
  /** Where its route led when its endpoint was last looked for there. */
  to: Passthrough
  lastMonoMs: number
  /** Its own towards the endpoint, by which answers are known to be for it. */
  socket: UdpSocket | undefined
  waiting: Buffer[]
  ended: boolean
  leave(): void
}

export interface DatagramsOptions {
  /** Where packets go now; undefined: nowhere. */
  to(): Passthrough | undefined
  /** Sends an answer to a client. */
  answer(message: Uint8Array, to: Sender): void
  parts: PassingParts
  clock: Clock
}

/** Leads the packets that come to one port on: all of one client to one endpoint, while it is there, and its answers back. */
export class Datagrams {
  readonly #options: DatagramsOptions
  /** By client; the one that was quiet for longest first. */
  readonly #flows = new Map<string, Flow>()
  #sweeping = false
  #closed = false

  constructor(options: DatagramsOptions) {
    this.#options = options
  }

  take(message: Buffer, from: Sender): void {
    const to = this.#options.to()
    const key = `${from.address} ${from.port}`
    let flow = this.#flows.get(key)
    if (flow && flow.to !== to && !stillThere(flow, to)) {
      this.#end(key, flow)
      flow = undefined
    }
    flow ??= to && this.#begin(key, from, to)
    if (!flow) return
    this.#heard(key, flow)
    if (flow.socket) flow.socket.send(message, addressOf(flow.endpoint))
    else if (flow.waiting.length < mostWaiting) flow.waiting.push(message)
  }

  close(): void {
    this.#closed = true
    for (const [key, flow] of this.#flows) this.#end(key, flow)
  }

  #begin(key: string, from: Sender, to: Passthrough): Flow | undefined {
    const { parts, clock } = this.#options
    const { weights, balancer, metrics, log } = parts
    const backend: Backend | undefined = weights.next(to)?.backend
    const endpoint = backend && balancer.choose(backend, new Set())
    if (!backend || !endpoint) {
      log.debug({ route: to.route, client: hostPort({ ip: from.address, port: from.port }) }, 'nobody is there')
      return undefined
    }
    const flow: Flow = {
      ...{ from, endpoint, to, socket: undefined, waiting: [], ended: false },
      ...{ lastMonoMs: clock.monotonicMs(), leave: balancer.begin(endpoint) },
    }
    for (const [oldest, quiet] of this.#flows) {
      if (this.#flows.size < mostFlows) break
      this.#end(oldest, quiet)
    }
    this.#flows.set(key, flow)
    metrics.tried(backend.name, 'answered')
    this.#open(key, flow).catch(error => {
      log.warn({ route: to.route, error: explain(error) }, 'packets of a client cannot be led on')
      this.#end(key, flow)
    })
    this.#sweepLater()
    return flow
  }

  async #open(key: string, flow: Flow): Promise<void> {
    const { endpoint, from } = flow
    const { answer, parts } = this.#options
    const any = endpoint.ip.includes(':') ? '::' : '0.0.0.0'
    const socket = await parts.net.bindUdp(any, 0, (message, { address, port }) => {
      // Nobody else may answer in its place.
      if (flow.ended || address !== endpoint.ip || port !== endpoint.port) return
      this.#heard(key, flow)
      answer(message, from)
    })
    if (flow.ended) return void socket.close()
    flow.socket = socket
    for (const message of flow.waiting) socket.send(message, addressOf(endpoint))
    flow.waiting = []
  }

  #heard(key: string, flow: Flow): void {
    flow.lastMonoMs = this.#options.clock.monotonicMs()
    this.#flows.delete(key)
    this.#flows.set(key, flow)
  }

  #end(key: string, flow: Flow): void {
    if (flow.ended) return
    flow.ended = true
    flow.leave()
    this.#flows.delete(key)
    void flow.socket?.close()
  }

  #sweepLater(): void {
    if (this.#sweeping || this.#closed) return
    this.#sweeping = true
    this.#options.clock.schedule(sweepMs, () => {
      this.#sweeping = false
      const quietSince = this.#options.clock.monotonicMs() - idleMs
      for (const [key, flow] of this.#flows) {
        if (flow.lastMonoMs > quietSince) break
        this.#end(key, flow)
      }
      if (this.#flows.size) this.#sweepLater()
    })
  }
}

const addressOf = ({ ip, port }: Endpoint): Sender => ({ address: ip, port })

/** The table was made anew: whether a client's endpoint is still one of its route. */
function stillThere(flow: Flow, to: Passthrough | undefined): boolean {
  const { ip, port } = flow.endpoint
  const there = to?.backends.some(({ backend }) => backend.endpoints.some(e => e.ip === ip && e.port === port))
  if (there) flow.to = to!
  return !!there
}
