import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ListenWeb, WebServer } from '../base/web-server.ts'
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

/** What requests under way get at the end. */
const graceMs = 5_000

/** The ports on which the gateway listens, by the port that listeners name: 80 and 443 may really be others. */
export class Entrances implements AsyncDisposable {
  readonly #options: EntrancesOptions
  readonly #open = new Map<number, WebServer>()
  /** Those that Gateways ask for besides, one change after the other. */
  #changing: Promise<void> = Promise.resolve()
  #wanted: ReadonlyMap<number, boolean> = new Map()
  readonly #fixed = new Set<number>()

  constructor(options: EntrancesOptions) {
    this.#options = options
  }

  /** Where a port is really served; undefined: nowhere. */
  realPort(port: number): number | undefined {
    return this.#open.get(port)?.port
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
  want(host: string, ports: ReadonlyMap<number, boolean>): Promise<void> {
    this.#wanted = ports
    this.#changing = this.#changing.then(() => this.#change(host))
    return this.#changing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wanted = new Map()
    await this.#changing
    await Promise.all([...this.#open.values()].map(server => server.close(graceMs)))
    this.#open.clear()
  }

  async #change(host: string): Promise<void> {
    const { log } = this.#options
    for (const [port, server] of this.#open) {
      if (this.#fixed.has(port) || this.#wanted.has(port)) continue
      this.#open.delete(port)
      await server.close(graceMs)
    }
    for (const [port, secure] of this.#wanted) {
      if (this.#open.has(port)) continue
      try {
        this.#open.set(port, await this.#listen({ host, port }, port, secure))
      } catch (error) {
        log.warn({ host, port, error: explain(error) }, 'a port that a Gateway asks for cannot be had')
      }
    }
  }

  async #listen({ host, port: realPort }: Address, port: number, secure: boolean): Promise<WebServer> {
    const { proxy, listen, log, ownCertificate } = this.#options
    const failed = (error: unknown) => log.warn({ error: explain(error) }, 'request failed')
    const routes = () => proxy.table.ports.get(port)
    const at: Entrance = { port, realPort, secure }
    const server = await listen({
      ...{ host, port: realPort },
      ...(secure
        ? {
            tls: {
              certificateFor: name =>
                certificateOf(routes(), name) ?? (isForeign(routes()) ? undefined : ownCertificate),
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
