import type { HttpStream } from '../../base/net.ts'
import type { Core } from '../core.ts'
import { CallFailed } from '../outgoing/call-failed.ts'
import { destinationUrl } from '../outgoing/destination.ts'
import type { OutgoingRequest } from '../outgoing/outgoing-calls.ts'
import { wholeBody } from '../outgoing/whole-body.ts'
import { identityHeaders } from './identity-headers.ts'
import type { RemoteVersion } from './remote-versions.ts'

/** The certificate by which extension servers know us; PEM. */
export interface ProxyIdentity {
  cert: string
  key: string
}

export interface Fetched {
  status: number
  etag: string | undefined
  body: Buffer
}

const ownUser = { username: 'system:kube-aggregator', groups: ['system:masters'] }
const answerMs = 6_000
/** Documents of servers with very many kinds are a few MiB. */
const maxBytes = 32 << 20

/** How extension servers are asked, for users and for ourselves. */
export class RemoteCalls {
  readonly #core: Core
  readonly #identity: ProxyIdentity | undefined

  constructor(core: Core, identity: ProxyIdentity | undefined) {
    this.#core = core
    this.#identity = identity
  }

  /** @throws CallFailed, ApiError ServiceUnavailable */
  open(remote: RemoteVersion, request: OutgoingRequest): Promise<HttpStream> {
    return this.#core.outgoing.open(remote.destination, { ...request, identity: this.#identity })
  }

  /** Gets a document in our own name, whole. @throws CallFailed, ApiError ServiceUnavailable */
  async fetch(remote: RemoteVersion, path: string, headers: Record<string, string> = {}): Promise<Fetched> {
    const { clock, closing } = this.#core
    const stop = new AbortController()
    const late = () => stop.abort(new CallFailed('context deadline exceeded'))
    const cancel = clock.schedule(answerMs, late)
    const end = () => stop.abort(closing.reason)
    closing.addEventListener('abort', end, { once: true })
    try {
      const answer = await this.open(remote, {
        ...{ method: 'GET', path, signal: stop.signal },
        headers: { accept: 'application/json', ...headers, ...identityHeaders(ownUser) },
      })
      const body = await wholeBody(answer.body, maxBytes, stop.signal)
      return { status: answer.status, etag: answer.headers.etag, body }
    } finally {
      cancel()
      closing.removeEventListener('abort', end)
    }
  }

  /** `https://api.wardle.svc:443/apis/wardle.example.com/v1alpha1`, for messages. */
  urlOf(remote: RemoteVersion, path: string): string {
    return destinationUrl(remote.destination, path)
  }
}
