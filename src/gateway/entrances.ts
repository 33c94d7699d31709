import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { codeOf, explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { ListenWeb, WebLimits } from '../base/web-server.ts'
import type { Entrance } from './asked.ts'
import { type Address, GatewayFailed } from './data-plane.ts'
import { Datagrams } from './datagrams.ts'
import { passConnection } from './passthrough.ts'
import { heldForWeb } from './plan/held-ports.ts'
import { isUdpPlace } from './port-space.ts'
import type { GatewayProxy } from './proxy.ts'
import { type Certificate, certificateOf, type PortRoutes } from './routing-table.ts'

export interface EntrancesOptions {
  proxy: GatewayProxy
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  listen: ListenWeb
  clock: Clock
  net: Net
  log: Logger
}

export interface Wanted extends Address {
  form: Form
}

/** What is done with what comes to a port. */
export type Form = 'HTTP' | 'HTTPS' | 'asItIs'

/** A port that is listened on. */
interface Opened {
  /** The real one. */
  port: number
  form: Form
  close(graceMs: number): Promise<void>
}

/** What requests under way get at the end. */
const graceMs = 5_000

/**
 * An idle connection is kept as HAProxy is told to keep it: where it ends in the moment of the client's next request, that
 * is lost. Node's own five seconds are less than many clients wait.
 */
const limits: WebLimits = { headBytes: 64 << 10, requestMs: 300_000, keepAliveMs: 60_000, backlog: 511 }

/** The ports on which the gateway listens, by the place (see port-space.ts) of the port that listeners name: 80 and 443 may really be others. */
export class Entrances implements AsyncDisposable {
  readonly #options: EntrancesOptions
  readonly #open = new Map<number, Opened>()
  #ownCertificate: Certificate
  /** Those besides the fixed ones, one change after the other. */
  #changing: Promise<void> = Promise.resolve()
  #wanted: ReadonlyMap<number, Wanted> = new Map()
  readonly #missing = new Map<number, string>()
  readonly #fixed = new Set<number>()
  /** They take no connection any more; requests under way go on. */
  readonly #closing = new Set<Promise<void>>()

  constructor(options: EntrancesOptions) {
    this.#options = options
    this.#ownCertificate = options.ownCertificate
  }

  /** Shows it to who connects from now on. */
  useOwnCertificate(certificate: Certificate): void {
    this.#ownCertificate = certificate
  }

  /** Where a port is really served; undefined: nowhere. */
  realPort(place: number): number | undefined {
    return this.#open.get(place)?.port
  }

  /** Ports that are wanted and cannot be had, with the code of the error. */
  get missing(): ReadonlyMap<number, string> {
    return this.#missing
  }

  /** Serves `port` at an address for good. @throws GatewayFailed */
  async fix(port: number, { host, port: realPort }: Address, form: 'HTTP' | 'HTTPS'): Promise<void> {
    try {
      this.#open.set(port, await this.#listenWeb({ host, port: realPort }, port, form))
      this.#fixed.add(port)
    } catch (cause) {
      throw new GatewayFailed(`the gateway cannot listen on ${host}:${realPort}`, {
        cause,
        hint: `Stop what listens there, or choose other addresses: --gateway ${host}:8080,${host}:8443 (or off).`,
      })
    }
  }

  /** Listens on just these ports besides the fixed ones. What cannot be had is tried again at the next call. */
  want(ports: ReadonlyMap<number, Wanted>): Promise<void> {
    this.#wanted = ports
    this.#changing = this.#changing.then(() => this.#change())
    return this.#changing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wanted = new Map()
    await this.#changing
    for (const port of [...this.#open.keys()]) this.#close(port)
    await Promise.all(this.#closing)
  }

  async #change(): Promise<void> {
    for (const [place, { form }] of [...this.#open])
      if (!this.#fixed.has(place) && this.#wanted.get(place)?.form !== form) this.#close(place)
    for (const place of [...this.#missing.keys()]) if (!this.#wanted.has(place)) this.#missing.delete(place)
    for (const [place, wanted] of this.#wanted) {
      const open = this.#open.get(place)
      if (!open) await this.#try(place, wanted)
      else if (open.form !== wanted.form) this.#missing.set(place, heldForWeb)
      else this.#missing.delete(place)
    }
  }

  async #try(place: number, wanted: Wanted): Promise<void> {
    try {
      this.#open.set(place, await this.#listen(wanted, place))
      this.#missing.delete(place)
    } catch (error) {
      const { host, port: realPort } = wanted
      if (!this.#missing.has(place))
        this.#options.log.warn(
          { host, port: realPort, error: explain(error) },
          'a port that is asked for cannot be had',
        )
      this.#missing.set(place, codeOf(error) ?? explain(error))
    }
  }

  #close(place: number): void {
    const closed = this.#open
      .get(place)!
      .close(graceMs)
      .finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
    this.#open.delete(place)
  }

  #listen(wanted: Wanted, place: number): Promise<Opened> {
    const { form } = wanted
    if (form !== 'asItIs') return this.#listenWeb(wanted, place, form)
    return isUdpPlace(place) ? this.#listenUdp(wanted, place) : this.#listenTcp(wanted, place)
  }

  async #listenTcp({ host, port }: Address, place: number): Promise<Opened> {
    const { proxy, net } = this.#options
    const leadOn = (socket: Duplex) => {
      const to = proxy.asItIs(place)
      if (to) void passConnection(to, socket, proxy.passing)
      else socket.destroy()
    }
    const listener = await net.listenTcp(host, port, leadOn, { halfOpen: true })
    return { port: listener.port, form: 'asItIs', close: () => listener.close() }
  }

  async #listenUdp({ host, port }: Address, place: number): Promise<Opened> {
    const { proxy, net, clock } = this.#options
    const datagrams = new Datagrams({
      to: () => proxy.asItIs(place),
      answer: (message, to) => socket.send(message, to),
      ...{ parts: proxy.passing, clock },
    })
    const socket = await net.bindUdp(host, port, (message, from) => datagrams.take(message, from))
    return {
      port: socket.port,
      form: 'asItIs',
      close: async () => {
        datagrams.close()
        await socket.close()
      },
    }
  }

  async #listenWeb({ host, port: realPort }: Address, port: number, form: 'HTTP' | 'HTTPS'): Promise<Opened> {
    const { proxy, listen, log } = this.#options
    const secure = form === 'HTTPS'
    const failed = (error: unknown) => log.warn({ error: explain(error) }, 'request failed')
    const routes = () => proxy.table.ports.get(port)
    const at: Entrance = { port, realPort, secure }
    const server = await listen({
      ...{ host, port: realPort, limits },
      ...(secure
        ? {
            tls: {
              certificateFor: name =>
                certificateOf(routes(), name) ?? (isForeign(routes()) ? undefined : this.#ownCertificate),
              passThrough: {
                isWanted: () => !!routes()?.passthrough?.size,
                take: (name, socket) => proxy.passThrough(name, socket, at),
              },
            },
          }
        : {}),
      onRequest: (request, response) => void proxy.serve(request, response, at).catch(failed),
      onUpgrade: (request, socket, head) => void proxy.upgrade(request, socket, head, at).catch(failed),
    })
    at.realPort = server.port
    return { port: server.port, form, close: graceMs => server.close(graceMs) }
  }
}

/** No TLS is ended on the port at all. */
const isForeign = (routes: PortRoutes | undefined) =>
  !!routes?.passthrough?.size && !routes.hosts.size && !routes.fallback
