import { explain } from '../base/errors.ts'
import type { ListenWeb } from '../base/web-server.ts'
import type { Address, DataPlane } from './data-plane.ts'
import { Entrances } from './entrances.ts'
import { GatewayProxy, type ProxyOptions } from './proxy.ts'
import type { Certificate, RoutingTable } from './routing-table.ts'

export interface EmbeddedOptions extends Omit<ProxyOptions, 'securePort' | 'answerAt'> {
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  listen: ListenWeb
}

/** Our own proxy, in this process. */
export class EmbeddedPlane implements DataPlane {
  readonly #options: EmbeddedOptions
  readonly #proxy: GatewayProxy
  readonly #entrances: Entrances
  #host = ''
  #answers: ReadonlyMap<string, string> = new Map()

  constructor(options: EmbeddedOptions) {
    this.#options = options
    this.#proxy = new GatewayProxy({
      ...options,
      securePort: () => this.realPort(443),
      answerAt: path => this.#answers.get(path),
    })
    this.#entrances = new Entrances({ ...options, proxy: this.#proxy })
  }

  async open(plain: Address, secure: Address | undefined): Promise<void> {
    this.#host = plain.host
    await this.#entrances.fix(80, plain, false)
    if (secure) await this.#entrances.fix(443, secure, true)
  }

  realPort(port: number): number | undefined {
    return this.#entrances.realPort(port)
  }

  async serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void> {
    this.#answers = answers
    this.#proxy.table = table
    const more = [...table.ports].filter(([port]) => port !== 80 && port !== 443)
    await this.#entrances.want(this.#host, new Map(more.map(([port, { secure }]) => [port, secure])))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entrances[Symbol.asyncDispose]()
    await this.#proxy[Symbol.asyncDispose]().catch(error =>
      this.#options.log.debug({ error: explain(error) }, 'connections cut'),
    )
  }
}
