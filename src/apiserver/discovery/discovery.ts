import { createHash } from 'node:crypto'
import { encodeProtobuf, protobufType } from '../../models/protobuf/index.ts'
import type { ApiReply } from '../../models/rest.ts'
import { objectTypes } from '../bodies/media-types.ts'
import type { Call } from '../core.ts'
import { acceptedForm, mediaTypes, refuseForeign } from '../replies/accept.ts'
import { encodeValue, mediaReply } from '../replies/object-form.ts'
import { bytesReply, jsonReply } from '../replies/reply.ts'
import { yamlOf } from '../replies/yaml-form.ts'
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
      const asked = this.#aggregates && aggregatedForm(call.request.headers['accept'])
      if (asked) return this.#aggregated(call, root, asked)
      if (root === 'apis') return found(call, apiGroupList(call.core))
      return foundBelow(call, apiVersions(resources, [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#address() }]))
    }
    if (root === 'api' && second !== undefined) return undefined
    if (root === 'apis' && second === undefined) return found(call, apiGroup(call.core, first))
    const list = root === 'api' ? apiResourceList(resources, '', first) : apiResourceList(resources, first, second!)
    return list && foundBelow(call, list)
  }

  #aggregated(call: Call, root: 'api' | 'apis', { type, version }: AggregatedForm): ApiReply {
    const { resources, remotes } = call.core
    const key = `${root} ${type} ${version}`
    const generation = `${resources.generation} ${remotes.generation}`
    let kept = this.#kept.get(key)
    if (!kept || kept.generation !== generation) {
      const list = aggregatedDiscovery(call.core, root, version)
      const json = Buffer.from(JSON.stringify(list))
      // One tag for what is said, whichever way it is written.
      kept = { generation, bytes: type === 'application/json' ? json : writeAs[type](list, json), etag: etagOf(json) }
      this.#kept.set(key, kept)
    }
    const reply = taggedReply(call, kept, `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
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

interface AggregatedForm {
  type: 'application/json' | keyof typeof writeAs
  version: 'v2' | 'v2beta1'
}

/** Both versions have one protobuf message. */
const writeAs = {
  'application/yaml': (_: object, json: Buffer) => yamlOf(json),
  [protobufType]: (list: object) => Buffer.from(encodeProtobuf(list, 'apidiscovery/v2.APIGroupDiscoveryList')),
} as const

/** The first form that is asked for, if it is that of all groups at once. */
function aggregatedForm(accept: string | undefined): AggregatedForm | undefined {
  if (!accept?.includes('APIGroupDiscoveryList')) return undefined
  for (const { type, params } of mediaTypes(accept)) {
    const written = type === '*/*' ? 'application/json' : type
    if (written !== 'application/json' && !Object.hasOwn(writeAs, written)) continue
    if (!params.has('as')) return undefined
    if (params.get('as') !== 'APIGroupDiscoveryList' || params.get('g') !== 'apidiscovery.k8s.io') continue
    const version = params.get('v')
    if (version === 'v2' || version === 'v2beta1') return { type: written as AggregatedForm['type'], version }
  }
  return undefined
}

/** @throws ApiError NotAcceptable */
function found({ request }: Call, value: object | undefined): ApiReply | undefined {
  if (!value) return undefined
  const accepted = acceptedForm(request.headers['accept'], { protobuf: true })
  return accepted.media === 'json' ? jsonReply(200, value) : mediaReply(accepted, 200, encodeValue(accepted, value))
}

/** Where Kubernetes looks at what is read before it looks for anything. @throws ApiError NotAcceptable, in other words */
function foundBelow(call: Call, value: object): ApiReply | undefined {
  refuseForeign(call.request.headers['accept'], objectTypes)
  return found(call, value)
}
