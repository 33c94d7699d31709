import { ApiError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { openApiV2Protobuf } from '../../models/openapi-protobuf.ts'
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

  reply(call: Call): ApiReply | undefined {
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
    if (wantsProtobuf(call)) {
      const kept = this.#keepBytes('v2 as protobuf', kinds, () => Buffer.from(openApiV2Protobuf(document())))
      return taggedReply(call, kept, protobufV2Types[0]!)
    }
    checkAccept(call)
    return taggedReply(call, this.#keep('v2', kinds, document), 'application/json')
  }

  #index(call: Call): ApiReply {
    const kept = this.#keep('v3', call.core.resources.kinds.all(), () => ({
      paths: Object.fromEntries(
        this.#names(call).map(name => [
          name,
          { serverRelativeURL: `/openapi/v3/${name}?hash=${this.#document(call, name)!.hash}` },
        ]),
      ),
    }))
    return taggedReply(call, kept, 'application/json')
  }

  #v3(call: Call, name: string): ApiReply | undefined {
    checkAccept(call)
    const kept = this.#document(call, name)
    if (!kept) return undefined
    const asked = call.info.query.get('hash')
    if (asked !== null && asked !== kept.hash)
      return { ...jsonReply(301, {}), headers: { location: `/openapi/v3/${name}?hash=${kept.hash}` } }
    const reply = taggedReply(call, kept, 'application/json')
    if (asked !== null) {
      reply.headers['cache-control'] = 'public, immutable'
      reply.headers['expires'] = new Date(call.core.clock.now() + 365 * 86_400_000).toUTCString()
    }
    return reply
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

/** The two names of version 2 as protobuf, answered by the first, since Go cannot read an "@"; kubectl asks for it when it must check a List, or version 3 has failed it. */
const protobufV2Types = [
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
]

/** Whether protobuf is what it wants first of what we have. */
function wantsProtobuf(call: Call): boolean {
  const ours = ['application/json', '*/*', 'application/*', ...protobufV2Types]
  const first = mediaTypes(call.request.headers['accept'] ?? '').find(({ type }) => ours.includes(type))
  return first !== undefined && protobufV2Types.includes(first.type)
}

/** JSON only: whoever insists on protobuf is told so. */
function checkAccept(call: Call): void {
  const accept = call.request.headers['accept']
  if (!accept) return
  const ok = mediaTypes(accept).some(
    ({ type }) => type === 'application/json' || type === '*/*' || type === 'application/*',
  )
  if (!ok) throw new ApiError('NotAcceptable', 'only the following media types are accepted: application/json')
}
