import { explain } from '../base/errors.ts'
import type { ListenWeb } from '../base/web-server.ts'
import { addressOf, type DataPlane, type Doors } from './data-plane.ts'
import { Entrances, type Wanted } from './entrances.ts'
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
  #doors: Doors | undefined
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

  async open(doors: Doors): Promise<void> {
    this.#doors = doors
    if (!doors.held) return
    await this.#entrances.fix(80, doors.plain, 'HTTP')
    if (doors.secure) await this.#entrances.fix(443, doors.secure, 'HTTPS')
  }

  realPort(place: number): number | undefined {
    return this.#entrances.realPort(place)
  }

  get missing(): ReadonlyMap<number, string> {
    return this.#entrances.missing
  }

  async serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void> {
    this.#answers = answers
    this.#proxy.table = table
    const wanted = new Map<number, Wanted>()
    for (const [place, { secure, asItIs }] of table.ports) {
      const address = addressOf(this.#doors!, place)
      if (address) wanted.set(place, { ...address, form: asItIs ? 'asItIs' : secure ? 'HTTPS' : 'HTTP' })
    }
    await this.#entrances.want(wanted)
  }

  async useOwnCertificate(certificate: Certificate): Promise<void> {
    this.#entrances.useOwnCertificate(certificate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entrances[Symbol.asyncDispose]()
    await this.#proxy[Symbol.asyncDispose]().catch(error =>
      this.#options.log.debug({ error: explain(error) }, 'connections cut'),
    )
  }
}
