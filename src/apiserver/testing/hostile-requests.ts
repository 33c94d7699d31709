import fc from 'fast-check'
import { type Random, seededRandom } from '../../base/random.ts'
import type { Kind } from '../../models/kind.ts'
import { builtinKinds } from '../../models/kinds/index.ts'
import { encodeProtobuf, hasProtobuf } from '../../models/protobuf/index.ts'
import { decode, typeNamed } from '../../models/schema/index.ts'
import { arbitraryObject } from '../../models/testing/arbitrary.ts'
import { bombs, oddTexts } from './hostile-texts.ts'

/** A request that means no good, or was sent by a broken program. */
export interface HostileRequest {
  method: string
  url: string
  headers: Record<string, string>
  body?: Uint8Array
}

const parameters = [
  ...['watch', 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch', 'labelSelector', 'fieldSelector'],
  ...['timeoutSeconds', 'allowWatchBookmarks', 'sendInitialEvents', 'dryRun', 'fieldManager', 'fieldValidation'],
  ...['force', 'gracePeriodSeconds', 'propagationPolicy', 'orphanDependents', 'pretty', 'includeObject', 'hash'],
  ...['container', 'tailLines', 'sinceTime', 'command', 'ports'],
]
const goodValues: Record<string, string[]> = {
  watch: ['1'],
  limit: ['1', '500'],
  resourceVersion: ['0', '1', '40'],
  resourceVersionMatch: ['Exact', 'NotOlderThan'],
  labelSelector: ['a', 'a in (b)', '!a'],
  fieldSelector: ['metadata.name=a', 'metadata.namespace!=b'],
  dryRun: ['All'],
  fieldManager: ['m', 'n'],
  fieldValidation: ['Ignore', 'Warn', 'Strict'],
  force: ['true'],
  propagationPolicy: ['Foreground', 'Orphan', 'Background'],
}
const subresources = [
  ...['status', 'status', 'scale', 'binding', 'eviction', 'ephemeralcontainers', 'log', 'exec', 'token', 'finalize'],
  ...['approval', 'proxy', 'proxy/a/../../b', 'x'],
]
const otherPaths = [
  ...['/api', '/apis', '/openapi/v2', '/openapi/v3/api/v1', '/version', '/healthz', '/readyz', '/', '//', '/%'],
  ...['/api/v1/namespaces//pods', '/apis/apps/v1/%ff', '/api/v1/namespaces/default/pods/%2e%2e', '/metrics'],
]
const patchTypes = [
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/json-patch+json',
  'application/apply-patch+yaml',
]
const oddTypes = ['application/cbor', 'text/html; charset=""', '', 'application/yaml']
const accepts = [
  ...['application/json;as=Table;v=v1;g=meta.k8s.io', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  ...[';;;,', 'q=0', 'a/b;q=0.1,'.repeat(2_000)],
]
const oddHeaders: Record<string, string>[] = [
  { 'audit-id': '\u0000' },
  { 'impersonate-user': 'system:admin' },
  { 'impersonate-user': 'x', 'impersonate-extra-%zz': 'x' },
  { authorization: `Bearer ${'a.'.repeat(5_000)}` },
  { 'if-none-match': '"",*'.repeat(1_000) },
  { 'accept-encoding': 'gzip', 'user-agent': 'curl/8' },
  { upgrade: 'websocket', connection: 'upgrade' },
]

const valuesPerKind = 6

/** Requests without end, the same for the same seed. Most reach deep: they name what is there, with bodies that nearly fit. */
export class HostileRequests {
  readonly #random: Random
  readonly #values = new Map<Kind<any>, object[]>()
  readonly #seed: number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#seed = seed
  }

  next(): HostileRequest {
    const kind = this.#one(builtinKinds)
    const method = this.#one(['GET', 'POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'DELETE', 'HEAD'])
    const { type, body } = this.#body(kind, method)
    const query = this.#query()
    const path = this.#may(0.02) ? this.#oddPath() : this.#path(kind, method)
    return {
      method: this.#may(0.01) ? 'TRACE' : method,
      url: query ? `${path}?${query}` : path,
      headers: {
        'content-type': this.#may(0.05) ? this.#one(oddTypes) : type,
        accept: this.#may(0.3) ? this.#one(accepts) : '*/*',
        ...(this.#may(0.05) ? this.#one(oddHeaders) : {}),
      },
      ...(body && method !== 'GET' && method !== 'HEAD' ? { body } : {}),
    }
  }

  #path(kind: Kind<any>, method: string): string {
    const below = method !== 'POST' && this.#may(0.85)
    const part = (good: string[]) => encodeURIComponent(this.#may(0.03) ? this.#one(oddTexts) : this.#one(good))
    const parts = [`/${kind.group ? `apis/${kind.group}` : 'api'}/${kind.version}`]
    if (!below && method === 'GET' && this.#may(0.1)) parts.push('watch')
    if (kind.scope === 'Namespaced') parts.push('namespaces', part(['default']))
    parts.push(kind.plural)
    if (below || this.#may(0.1)) parts.push(part(['a', 'b']))
    if (parts.length > 2 && this.#may(0.25)) parts.push(this.#one(subresources))
    return parts.join('/')
  }

  #oddPath(): string {
    if (this.#may(0.5)) return this.#one(otherPaths)
    return `/${Array.from({ length: this.#below(8) }, () => encodeURIComponent(this.#one(oddTexts))).join('/')}`
  }

  #query(): string {
    const pairs: [string, string][] = []
    while (this.#may(0.4) && pairs.length < 6) {
      const name = this.#one(parameters)
      const good = goodValues[name]
      pairs.push([name, good && this.#may(0.7) ? this.#one(good) : this.#one(oddTexts)])
    }
    return new URLSearchParams(pairs).toString()
  }

  /** A well-typed object, in one of the forms, and often bent: bytes changed, cut, or something else altogether. */
  #body(kind: Kind<any>, method: string): { type: string; body: Uint8Array } {
    const patch = method === 'PATCH'
    if (this.#may(0.04))
      return { type: patch ? this.#one(patchTypes) : 'application/json', body: Buffer.from(this.#one(bombs)) }
    const value = this.#one(this.#valuesOf(kind))
    const type = patch ? this.#one(patchTypes) : 'application/json'
    const operation = { op: this.#one(['add', 'replace', 'test', 'remove', 'copy']), path: this.#pointer(), value }
    let body: Uint8Array = Buffer.from(jsonText(type.includes('json-patch') ? [operation] : value))
    let sent = type
    if (!patch && hasProtobuf(kind.schema) && this.#may(0.3)) {
      sent = 'application/vnd.kubernetes.protobuf'
      body = encodeProtobuf(decode(kind, value, { fieldValidation: 'Ignore' }).object)
    }
    if (this.#may(0.3)) body = this.#bend(body)
    return { type: sent, body }
  }

  #pointer(): string {
    return this.#one([
      '/metadata/labels',
      '/spec',
      '/status',
      '',
      '/metadata/finalizers/-',
      '/spec/-1',
      '/a~2b',
      '/data/x',
    ])
  }

  #bend(whole: Uint8Array): Uint8Array {
    const out = Uint8Array.from(whole)
    for (let n = this.#below(4); n >= 0 && out.length; n--) out[this.#below(out.length)] = this.#below(256)
    return this.#may(0.3) ? out.subarray(0, this.#below(out.length)) : out
  }

  #valuesOf(kind: Kind<any>): object[] {
    let values = this.#values.get(kind)
    if (!values) {
      const arbitrary = arbitraryObject(typeNamed(kind.schema))
      values = fc.sample(arbitrary, { numRuns: valuesPerKind, seed: this.#seed }).map(v => {
        const { metadata, ...rest } = v as { metadata?: object }
        const name = this.#one(['a', 'b', 'c'])
        return { ...rest, metadata: this.#may(0.5) ? { name } : { ...metadata, name, resourceVersion: undefined } }
      })
      this.#values.set(kind, values)
    }
    return values
  }

  #may(probability: number): boolean {
    return this.#random.next() < probability
  }

  #below(n: number): number {
    return Math.floor(this.#random.next() * n)
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!
  }
}

/** JSON with integers as long as they are. */
const jsonText = (value: unknown) =>
  JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `big${v}` : v)).replace(/"big(-?\d+)"/g, '$1')
