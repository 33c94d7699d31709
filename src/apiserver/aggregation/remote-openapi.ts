import { parseJson } from '../../models/json.ts'
import type { Core } from '../core.ts'
import { etagOf } from '../discovery/discovery.ts'
import { CallFailed } from '../outgoing/call-failed.ts'
import type { RemoteCalls } from './remote-calls.ts'
import type { RemoteVersion } from './remote-versions.ts'
import { type OpenApiV2, partOf } from './swagger-parts.ts'

/** The OpenAPI 3 document of one version, as its server wrote it. */
export interface DocumentV3 {
  bytes: Buffer
  etag: string
  /** Where the server had it; another place means another document. */
  url: string
}

interface Known {
  v2?: { etag: string | undefined; part: OpenApiV2 }
  v3?: DocumentV3
}

/** What extension servers say in OpenAPI of what they serve. */
export class RemoteOpenApi {
  readonly #core: Core
  readonly #calls: RemoteCalls
  readonly #known = new Map<string, Known>()
  /** Grows with every change. */
  generation = 0

  constructor(core: Core, calls: RemoteCalls) {
    this.#core = core
    this.#calls = calls
  }

  /** Reads what is new of a server that answers. @throws Error when it gives no document */
  async refresh(remote: RemoteVersion): Promise<void> {
    for (const name of this.#known.keys()) if (!this.#core.remotes.named(name)) this.#known.delete(name)
    const known = this.#known.get(remote.name) ?? {}
    const read = await Promise.allSettled([this.#readV2(remote, known), this.#readV3(remote, known)])
    if (this.#core.remotes.named(remote.name)) this.#known.set(remote.name, known)
    for (const result of read) if (result.status === 'rejected') throw result.reason
  }

  v3(remote: RemoteVersion): DocumentV3 | undefined {
    return this.#known.get(remote.name)?.v3
  }

  /** The paths of all versions, with what they refer to. */
  v2(): OpenApiV2[] {
    return this.#core.remotes.all().flatMap(({ name }) => this.#known.get(name)?.v2?.part ?? [])
  }

  async #readV2(remote: RemoteVersion, known: Known): Promise<void> {
    const since = known.v2?.etag
    const { status, etag, body } = await this.#calls.fetch(
      remote,
      '/openapi/v2',
      since === undefined ? {} : { 'if-none-match': since },
    )
    if (status === 304) return
    if (status !== 200) throw new CallFailed(`/openapi/v2 answered ${status}`, { status })
    const { group, version } = remote
    known.v2 = { etag, part: partOf(parseJson(body).value as Partial<OpenApiV2>, `/apis/${group}/${version}`) }
    this.generation++
  }

  async #readV3(remote: RemoteVersion, known: Known): Promise<void> {
    const index = await this.#get(remote, '/openapi/v3')
    const paths = (parseJson(index).value as { paths?: Record<string, { serverRelativeURL?: unknown }> }).paths ?? {}
    const name = `apis/${remote.group}/${remote.version}`
    const url = Object.hasOwn(paths, name) ? paths[name]?.serverRelativeURL : undefined
    if (typeof url !== 'string' || !url.startsWith('/')) throw new CallFailed(`/openapi/v3 does not name ${name}`)
    if (known.v3?.url === url) return
    const bytes = await this.#get(remote, url)
    if (typeof (parseJson(bytes).value as { openapi?: unknown }).openapi !== 'string')
      throw new CallFailed(`${url} is no OpenAPI 3`)
    known.v3 = { bytes, etag: etagOf(bytes), url }
    this.generation++
  }

  async #get(remote: RemoteVersion, path: string): Promise<Buffer> {
    const { status, body } = await this.#calls.fetch(remote, path)
    if (status !== 200) throw new CallFailed(`${path} answered ${status}`, { status })
    return body
  }
}
