import { afterThisTurn } from '../../base/clock.ts'
import { ApiError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { openApiV2Protobuf } from '../../models/openapi-v2-protobuf.ts'
import { openApiV3Protobuf } from '../../models/openapi-v3-protobuf.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { RemoteOpenApi } from '../aggregation/remote-openapi.ts'
import { withParts } from '../aggregation/swagger-parts.ts'
import type { Call } from '../core.ts'
import { etagOf, taggedReply } from '../discovery/discovery.ts'
import { shownGroups } from '../discovery/shown-groups.ts'
import { mediaTypes } from '../replies/accept.ts'
import { rootDocuments } from './root-operations.ts'

interface Kept {
  /** Says which documents of others are in it; '' when none can be. */
  others: string
  /** The kinds that the document is made of: it is made anew when they are others. */
  kinds: readonly Kind<any>[]
  bytes: Buffer
  etag: string
  /** The etag without its quotes. */
  hash: string
}

/**
 * /openapi/v2 and /openapi/v3: written when first asked for, and again when the kinds in them change.
 * What writes them is loaded late: it brings a text for each field of every kind, which nothing else needs.
 */
export class OpenApi {
  readonly #documents = new Map<string, Kept>()
  readonly #making = new Map<string, Promise<Buffer>>()
  readonly #remote: RemoteOpenApi

  /** @param remote what extension servers say of themselves */
  constructor(remote: RemoteOpenApi) {
    this.#remote = remote
  }

  async reply(call: Call): Promise<ApiReply | undefined> {
    const { path } = call.info
    if (!path.startsWith('/openapi/')) return undefined
    if (path === '/openapi/v2') return this.#v2(call)
    if (path === '/openapi/v3') return this.#index(call)
    if (!path.startsWith('/openapi/v3/')) return undefined
    return (await this.#v3(call, path.slice('/openapi/v3/'.length))) ?? noDocument()
  }

  async #v2(call: Call): Promise<ApiReply> {
    const { resources, remotes } = call.core
    const protobuf = wanted(call, protobufTypes.v2) === 'protobuf'
    const others = `${remotes.generation} ${this.#remote.generation}`
    const kept = await this.#keepInParts(
      protobuf ? 'v2 as protobuf' : 'v2',
      resources.kinds.all(),
      others,
      async () => {
        const { documentV2 } = await import('./document-v2.ts')
        const own = resources.all().filter(({ kind }) => !remotes.find(kind.group, kind.version))
        const parts = this.#remote.v2()
        const document = await documentV2(own, pause)
        const whole = parts.length ? withParts(document, parts) : document
        return protobuf ? inParts(whole, openApiV2Protobuf) : jsonInParts(whole)
      },
    )
    return taggedReply(call, kept, protobuf ? protobufTypes.v2[0]! : 'application/json')
  }

  /** All documents together take a tenth of a second to write: others get their turn in between. */
  async #index(call: Call): Promise<ApiReply> {
    const paths: Record<string, object> = {}
    for (const name of this.#names(call)) {
      const known = this.#documents.size
      const document = await this.#document(call, name)
      // Gone while others had their turn.
      if (!document) continue
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${document.hash}` }
      if (this.#documents.size > known) await pause()
    }
    const bytes = Buffer.from(JSON.stringify({ paths }))
    return taggedReply(call, { bytes, etag: etagOf(bytes) }, 'application/json')
  }

  async #v3(call: Call, name: string): Promise<ApiReply | undefined> {
    const form = wanted(call, protobufTypes.v3)
    const kept = await this.#document(call, name)
    if (!kept) return undefined
    const asked = call.info.query.get('hash')
    if (asked !== null && asked !== kept.hash) return movedTo(`/openapi/v3/${name}?hash=${kept.hash}`, kept.etag)
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
  #asProtobuf(name: string, { bytes, kinds, others, etag }: Kept): Kept {
    const make = () => Buffer.from(openApiV3Protobuf(JSON.parse(bytes.toString())))
    return { ...this.#keepBytes(`${name} as protobuf`, kinds, make, others), etag }
  }

  /** Those of extension servers as far as they have told them. */
  #names({ core }: Call): string[] {
    const versions = shownGroups(core).flatMap(({ group, versions }) =>
      versions
        .filter(shown => !('remote' in shown) || this.#remote.v3(shown.remote))
        .map(({ version }) => (group ? `apis/${group}/${version}` : `api/${version}`)),
    )
    return [...rootsOf(core).map(({ name }) => name), ...versions].sort()
  }

  async #document({ core }: Call, name: string): Promise<Kept | undefined> {
    const root = rootsOf(core).find(document => document.name === name)
    if (root) {
      const { documentOf } = await import('./document-v3.ts')
      return this.#keep(name, [], () => documentOf([root.operation]))
    }
    const found = /^(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(name)
    if (!found) return undefined
    const [group, version] = [found[2] ?? '', (found[1] ?? found[3])!]
    const { resources, remotes } = core
    const remote = remotes.find(group, version)
    if (remote) {
      const document = this.#remote.v3(remote)
      return document && keptOf(document, [], document.etag)
    }
    const { documentV3 } = await import('./document-v3.ts')
    const kinds = resources.kinds.inGroupVersion(group, version)
    if (!kinds.length) return undefined
    return this.#keep(name, kinds, () => documentV3(kinds.map(kind => resources.of(kind))))
  }

  #keep(name: string, kinds: readonly Kind<any>[], make: () => object, others = ''): Kept {
    return this.#keepBytes(name, kinds, () => Buffer.from(JSON.stringify(make())), others)
  }

  #keepBytes(name: string, kinds: readonly Kind<any>[], make: () => Buffer, others: string): Kept {
    return this.#kept(name, kinds, others) ?? this.#set(name, kinds, others, make())
  }

  /** The same of a document that is made while others have their turn; once for all who ask for it meanwhile. */
  async #keepInParts(
    name: string,
    kinds: readonly Kind<any>[],
    others: string,
    make: () => Promise<Buffer>,
  ): Promise<Kept> {
    for (;;) {
      const kept = this.#kept(name, kinds, others)
      if (kept) return kept
      const making = this.#making.get(name)
      if (making) {
        await making.catch(() => {})
        continue
      }
      const made = make()
      this.#making.set(name, made)
      try {
        return this.#set(name, kinds, others, await made)
      } finally {
        this.#making.delete(name)
      }
    }
  }

  #kept(name: string, kinds: readonly Kind<any>[], others: string): Kept | undefined {
    const kept = this.#documents.get(name)
    const same = kept?.others === others && kept.kinds.length === kinds.length
    return kept && same && kept.kinds.every((kind, i) => kind === kinds[i]) ? kept : undefined
  }

  #set(name: string, kinds: readonly Kind<any>[], others: string, bytes: Buffer): Kept {
    const kept = keptOf({ bytes, etag: etagOf(bytes) }, kinds, others)
    this.#documents.set(name, kept)
    return kept
  }
}

/** Nobody who asks for a document reads a text instead. */
const noDocument = (): ApiReply => ({ status: 404, headers: {}, body: new Uint8Array() })

const movedTo = (location: string, etag: string): ApiReply => ({
  status: 301,
  headers: { 'content-type': 'application/json', etag, location, vary: 'Accept' },
  body: new Uint8Array(),
})

const pause = () => new Promise<void>(afterThisTurn)

/** Written field by field, with others' turns in between. */
async function inParts(document: object, write: (part: object) => Uint8Array | string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const [name, value] of Object.entries(document)) {
    parts.push(Buffer.from(write({ [name]: value })))
    await pause()
  }
  return Buffer.concat(parts)
}

/** As JSON.stringify writes it. */
async function jsonInParts(document: object): Promise<Buffer> {
  let between = '{'
  const fields = await inParts(document, part => {
    const text = between + JSON.stringify(part).slice(1, -1)
    between = ','
    return text
  })
  return Buffer.concat([fields, Buffer.from('}')])
}

/** Groups of custom resources are left out, as Kubernetes does. */
const rootsOf = ({ resources: { kinds } }: Call['core']) =>
  rootDocuments(
    new Set(
      kinds
        .all()
        .filter(kind => !kind.custom)
        .map(kind => kind.group),
    ),
  )

const keptOf = (document: { bytes: Buffer; etag: string }, kinds: Kept['kinds'], others: string): Kept => ({
  ...{ bytes: document.bytes, etag: document.etag, hash: document.etag.slice(1, -1), kinds, others },
})

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
