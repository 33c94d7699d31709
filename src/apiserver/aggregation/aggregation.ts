import type { Registry } from 'prom-client'
import { explain } from '../../base/errors.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Call, Core } from '../core.ts'
import { Availability } from './availability.ts'
import {
  type ExtensionAuthentication,
  keepExtensionAuthentication,
  publishExtensionAuthentication,
} from './extension-authentication.ts'
import { keepLocalServices } from './local-services.ts'
import { passOn } from './pass-on.ts'
import { type ProxyIdentity, RemoteCalls } from './remote-calls.ts'
import { RemoteOpenApi } from './remote-openapi.ts'

export interface AggregationOptions {
  /** Whom extension servers are to believe; what is in it may be another one later. */
  trusted: ExtensionAuthentication
  /** Shown to extension servers, which then believe what we say of our users. */
  identity: ProxyIdentity | undefined
}

/** Other servers' APIs beside our own. */
export class Aggregation {
  readonly openApi: RemoteOpenApi
  readonly #core: Core
  readonly #calls: RemoteCalls
  readonly #availability: Availability
  readonly #options: AggregationOptions

  constructor(core: Core, registry: Registry, options: AggregationOptions) {
    this.#core = core
    this.#options = options
    const calls = new RemoteCalls(core, options.identity)
    this.#calls = calls
    this.openApi = new RemoteOpenApi(core, calls)
    this.#availability = new Availability({
      ...{ core, calls, registry },
      answered: remote =>
        this.openApi.refresh(remote).catch(error => {
          core.log.debug({ apiService: remote.name, error: explain(error) }, 'OpenAPI of an extension server not read')
        }),
    })
  }

  /** Registers what we serve ourselves and begins to look after the others. */
  async start(): Promise<void> {
    await Promise.all([keepLocalServices(this.#core), keepExtensionAuthentication(this.#core, this.#options.trusted)])
    this.#availability.start()
  }

  /** Once what is in `trusted` is another one. */
  publishTrusted(): Promise<void> {
    return publishExtensionAuthentication(this.#core, this.#options.trusted)
  }

  /** The answer of another server, if one serves what is asked. */
  reply(call: Call): Promise<ApiReply> | undefined {
    const remote = this.#core.remotes.serving(call.info)
    return remote && passOn(call, remote, this.#calls)
  }
}
