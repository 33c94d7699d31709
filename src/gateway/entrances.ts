import { codeOf, explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ListenWeb, WebLimits, WebServer } from '../base/web-server.ts'
import type { Entrance } from './asked.ts'
import { type Address, GatewayFailed } from './data-plane.ts'
import type { GatewayProxy } from './proxy.ts'
import { type Certificate, certificateOf, type PortRoutes } from './routing-table.ts'

export interface EntrancesOptions {
  proxy: GatewayProxy
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  listen: ListenWeb
  log: Logger
}

export interface Wanted extends Address {
  secure: boolean
}

/** What requests under way get at the end. */
const graceMs = 5_000

/**
 * An idle connection is kept as HAProxy is told to keep it: where it ends in the moment of the client's next request, that
 * is lost. Node's own five seconds are less than many clients wait.
 */
const limits: WebLimits = { headBytes: 64 << 10, requestMs: 300_000, keepAliveMs: 60_000, backlog: 511 }

/** The ports on which the gateway listens, by the port that listeners name: 80 and 443 may really be others. */
export class Entrances implements AsyncDisposable {
  readonly #options: EntrancesOptions
  readonly #open = new Map<number, WebServer>()
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
  realPort(port: number): number | undefined {
    return this.#open.get(port)?.port
  }

  /** Ports that are wanted and cannot be had, with the code of the error. */
  get missing(): ReadonlyMap<number, string> {
    return this.#missing
  }

  /** Serves `port` at an address for good. @throws GatewayFailed */
  async fix(port: number, { host, port: realPort }: Address, secure: boolean): Promise<void> {
    try {
      this.#open.set(port, await this.#listen({ host, port: realPort }, port, secure))
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
    for (const port of [...this.#open.keys()]) if (!this.#fixed.has(port) && !this.#wanted.has(port)) this.#close(port)
    for (const port of [...this.#missing.keys()]) if (!this.#wanted.has(port)) this.#missing.delete(port)
    for (const [port, wanted] of this.#wanted) if (!this.#open.has(port)) await this.#try(port, wanted)
  }

  async #try(port: number, wanted: Wanted): Promise<void> {
    try {
      this.#open.set(port, await this.#listen(wanted, port, wanted.secure))
      this.#missing.delete(port)
    } catch (error) {
      const { host, port: realPort } = wanted
      if (!this.#missing.has(port))
        this.#options.log.warn(
          { host, port: realPort, error: explain(error) },
          'a port that is asked for cannot be had',
        )
      this.#missing.set(port, codeOf(error) ?? explain(error))
    }
  }

  #close(port: number): void {
    const closed = this.#open
      .get(port)!
      .close(graceMs)
      .finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
    this.#open.delete(port)
  }

  async #listen({ host, port: realPort }: Address, port: number, secure: boolean): Promise<WebServer> {
    const { proxy, listen, log } = this.#options
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
    return server
  }
}

/** No TLS is ended on the port at all. */
const isForeign = (routes: PortRoutes | undefined) =>
  !!routes?.passthrough?.size && !routes.hosts.size && !routes.fallback
