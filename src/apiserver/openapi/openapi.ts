import { afterThisTurn } from '../../base/clock.ts'
import { ApiError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { openApiV2Protobuf } from '../../models/openapi-v2-protobuf.ts'
import { openApiV3Protobuf } from '../../models/openapi-v3-protobuf.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { etagOf, taggedReply } from '../discovery/discovery.ts'
import { mediaTypes } from '../replies/accept.ts'
import { jsonReply } from '../replies/reply.ts'
import { documentV2 } from './document-v2.ts'
import { documentV3 } from './document-v3.ts'

interface Kept {
  /** The kinds that the document is made of: it is made anew when they are others. */
  kinds: readonly Kind<any>[]
  bytes: Buffer
  etag: string
  /** The etag without its quotes. */
  hash: string
}

/** /openapi/v2 and /openapi/v3: written when first asked for, and again when the kinds in them change. */
export class OpenApi {
  readonly #documents = new Map<string, Kept>()

  async reply(call: Call): Promise<ApiReply | undefined> {
    const { path } = call.info
    if (!path.startsWith('/openapi/')) return undefined
    if (path === '/openapi/v2') return this.#v2(call)
    if (path === '/openapi/v3' || path === '/openapi/v3/') return this.#index(call)
    return path.startsWith('/openapi/v3/') ? this.#v3(call, path.slice('/openapi/v3/'.length)) : undefined
  }

  #v2(call: Call): ApiReply {
    const { resources } = call.core
    const kinds = resources.kinds.all()
    const document = () => documentV2(resources.all())
    if (wanted(call, protobufTypes.v2) === 'protobuf') {
      const kept = this.#keepBytes('v2 as protobuf', kinds, () => Buffer.from(openApiV2Protobuf(document())))
      return taggedReply(call, kept, protobufTypes.v2[0]!)
    }
    return taggedReply(call, this.#keep('v2', kinds, document), 'application/json')
  }

  /** All documents together take a tenth of a second to write: others get their turn in between. */
  async #index(call: Call): Promise<ApiReply> {
    const paths: Record<string, object> = {}
    for (const name of this.#names(call)) {
      const known = this.#documents.size
      const document = this.#document(call, name)
      // Gone while others had their turn.
      if (!document) continue
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${document.hash}` }
      if (this.#documents.size > known) await new Promise<void>(afterThisTurn)
    }
    const bytes = Buffer.from(JSON.stringify({ paths }))
    return taggedReply(call, { bytes, etag: etagOf(bytes) }, 'application/json')
  }

  #v3(call: Call, name: string): ApiReply | undefined {
    const form = wanted(call, protobufTypes.v3)
    const kept = this.#document(call, name)
    if (!kept) return undefined
    const asked = call.info.query.get('hash')
    if (asked !== null && asked !== kept.hash)
      return { ...jsonReply(301, {}), headers: { location: `/openapi/v3/${name}?hash=${kept.hash}` } }
    const reply =
      form === 'protobuf'
        ? taggedReply(call, this.#asProtobuf(name, kept), protobufTypes.v3[0]!)
        : taggedReply(call, kept, 'application/json')
    if (asked !== null) {
      reply.headers['cache-control'] = 'public, immutable'
      reply.headers['expires'] = new Date(call.core.clock.now() + 365 * 86_400_000).toUTCString()
    }
    return reply
  }

  /** Other bytes, but the tag of the JSON form, as the index has it. */
  #asProtobuf(name: string, { bytes, kinds, etag }: Kept): Kept {
    const made = this.#keepBytes(`${name} as protobuf`, kinds, () =>
      Buffer.from(openApiV3Protobuf(JSON.parse(bytes.toString()))),
    )
    return { ...made, etag }
  }

  #names(call: Call): string[] {
    return call.core.resources
      .groups()
      .flatMap(({ group, versions }) => versions.map(v => (group ? `apis/${group}/${v.version}` : `api/${v.version}`)))
  }

  #document(call: Call, name: string): Kept | undefined {
    const found = /^(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(name)
    if (!found) return undefined
    const { resources } = call.core
    const kinds = resources.kinds.inGroupVersion(found[2] ?? '', (found[1] ?? found[3])!)
    if (!kinds.length) return undefined
    return this.#keep(name, kinds, () => documentV3(kinds.map(kind => resources.of(kind))))
  }

  #keep(name: string, kinds: readonly Kind<any>[], make: () => object): Kept {
    return this.#keepBytes(name, kinds, () => Buffer.from(JSON.stringify(make())))
  }

  #keepBytes(name: string, kinds: readonly Kind<any>[], make: () => Buffer): Kept {
    let kept = this.#documents.get(name)
    if (!kept || kept.kinds.length !== kinds.length || kept.kinds.some((kind, i) => kind !== kinds[i])) {
      const bytes = make()
      const etag = etagOf(bytes)
      kept = { kinds, bytes, etag, hash: etag.slice(1, -1) }
      this.#documents.set(name, kept)
    }
    return kept
  }
}

/** The two names of each as protobuf, answered by the first, since Go cannot read an "@". */
const protobufTypes = {
  v2: [
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  ],
  v3: [
    'application/com.github.proto-openapi.spec.v3.v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
  ],
}
const jsonTypes = ['application/json', '*/*', 'application/*']

/** What it wants first of what we have. @throws ApiError NotAcceptable */
function wanted(call: Call, protobuf: readonly string[]): 'json' | 'protobuf' {
  const accept = call.request.headers['accept']
  if (!accept) return 'json'
  const first = mediaTypes(accept).find(({ type }) => jsonTypes.includes(type) || protobuf.includes(type))
  if (first) return protobuf.includes(first.type) ? 'protobuf' : 'json'
  const message = `only the following media types are accepted: application/json, ${protobuf[0]}`
  throw new ApiError('NotAcceptable', message)
}
