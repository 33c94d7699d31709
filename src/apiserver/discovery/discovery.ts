import { createHash } from 'node:crypto'
import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { acceptedForm, mediaTypes } from '../replies/accept.ts'
import { encodeValue, mediaReply } from '../replies/object-form.ts'
import { bytesReply, jsonReply } from '../replies/reply.ts'
import { aggregatedDiscovery } from './aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './legacy.ts'

interface Kept {
  /** Of our kinds and of others' versions. */
  generation: string
  bytes: Buffer
  etag: string
}

/** /api, /apis and what lies directly below: which resources there are. */
export class Discovery {
  readonly #kept = new Map<string, Kept>()
  readonly #address: () => string
  readonly #aggregates: boolean

  /** @param address host:port of the API, for the legacy form; @param aggregates whether all groups may be had at once */
  constructor(address: () => string, aggregates: boolean) {
    this.#address = address
    this.#aggregates = aggregates
  }

  reply(call: Call): ApiReply | undefined {
    const { resources } = call.core
    const [, root, first, second, ...more] = call.info.path.replace(/\/$/, '').split('/')
    if ((root !== 'api' && root !== 'apis') || more.length) return undefined
    if (first === undefined) {
      const version = this.#aggregates && aggregatedVersion(call.request.headers['accept'])
      if (version) return this.#aggregated(call, root, version)
      if (root === 'apis') return found(call, apiGroupList(call.core))
      return found(call, apiVersions(resources, [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#address() }]))
    }
    if (root === 'api') return second === undefined ? found(call, apiResourceList(resources, '', first)) : undefined
    return found(call, second === undefined ? apiGroup(call.core, first) : apiResourceList(resources, first, second))
  }

  #aggregated(call: Call, root: 'api' | 'apis', version: string): ApiReply {
    const { resources, remotes } = call.core
    const key = `${root} ${version}`
    const generation = `${resources.generation} ${remotes.generation}`
    let kept = this.#kept.get(key)
    if (!kept || kept.generation !== generation) {
      const bytes = Buffer.from(JSON.stringify(aggregatedDiscovery(call.core, root, version)))
      kept = { generation, bytes, etag: etagOf(bytes) }
      this.#kept.set(key, kept)
    }
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
    const reply = taggedReply(call, kept, type)
    reply.headers['cache-control'] = 'public'
    return reply
  }
}

/** `"` + upper-case hex SHA-512 + `"` */
export function etagOf(bytes: Uint8Array): string {
  return `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`
}

/** 304 for who has it already. */
export function taggedReply(call: Call, kept: { bytes: Uint8Array; etag: string }, type: string): ApiReply {
  const headers: ApiReply['headers'] = { etag: kept.etag, vary: 'Accept' }
  const known = call.request.headers['if-none-match']
  if (known?.split(',').some(tag => tag.trim().replace(/^W\//, '') === kept.etag))
    return { status: 304, headers, body: new Uint8Array() }
  const reply = bytesReply(200, kept.bytes, headers)
  reply.headers['content-type'] = type
  return reply
}

function aggregatedVersion(accept: string | undefined): string | undefined {
  if (!accept?.includes('APIGroupDiscoveryList')) return undefined
  for (const { type, params } of mediaTypes(accept)) {
    if (type !== 'application/json' && type !== '*/*') continue
    if (!params.has('as')) return undefined
    if (params.get('as') !== 'APIGroupDiscoveryList' || params.get('g') !== 'apidiscovery.k8s.io') continue
    const version = params.get('v')
    if (version === 'v2' || version === 'v2beta1') return version
  }
  return undefined
}

/** @throws ApiError NotAcceptable */
function found({ request }: Call, value: object | undefined): ApiReply | undefined {
  if (!value) return undefined
  const accepted = acceptedForm(request.headers['accept'], { protobuf: true })
  return accepted.media === 'json' ? jsonReply(200, value) : mediaReply(accepted, 200, encodeValue(accepted, value))
}
