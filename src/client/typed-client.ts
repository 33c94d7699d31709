import { type Clock, systemClock } from '../base/clock.ts'
import { ApiError } from '../models/api-error.ts'
import { apiVersionOf, type Kind } from '../models/kind.ts'
import type { KubeObject, ObjectList } from '../models/object.ts'
import type { ApiReply } from '../models/rest.ts'
import type { Status } from '../models/types/meta-v1.ts'
import type { ReadyIterator } from '../models/value-stream.ts'
import type { Client, Patch, RawOptions, WatchEvent, WatchEvents, WriteOptions } from './client.ts'
import { jsonLines } from './lines.ts'
import { collectionPath, objectPath, query } from './paths.ts'
import { patientTransport } from './patient-transport.ts'
import type { Transport } from './transport.ts'

const patchTypes: Record<Patch['type'], string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

/**
 * The typed client over any transport.
 * @param clock for pauses before it asks again a server that has no room
 */
export function createClient(plain: Transport, clock: Clock = systemClock): Client {
  const transport = patientTransport(plain, clock)
  async function call<R>(
    method: string,
    url: string,
    body?: object,
    options: { signal?: AbortSignal; type?: string } = {},
  ) {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body) headers['content-type'] = options.type ?? 'application/json'
    const reply = await transport.send({
      method,
      url,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    })
    const bytes = await whole(reply)
    if (reply.status >= 400) throw ApiError.fromReply(reply.status, text(bytes))
    return decode(bytes) as R
  }

  async function write<T extends KubeObject>(
    method: string,
    kind: Kind<T>,
    url: string,
    object: object,
    o: WriteOptions,
  ) {
    const body = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind }
    return named(kind, await call<T>(method, url + writeQuery(o), body, o))
  }

  return {
    async get(kind, key, options = {}) {
      return named(kind, await call('GET', objectPath(kind, key), undefined, options))
    },

    async list<T extends KubeObject>(kind: Kind<T>, options: Parameters<Client['list']>[1] = {}) {
      const { namespace, signal, ...rest } = options
      const url = collectionPath(kind, namespace) + query({ ...rest })
      const list = await call<ObjectList<T>>('GET', url, undefined, signal ? { signal } : {})
      list.items ??= []
      for (const item of list.items) named(kind, item)
      return list
    },

    watch<T extends KubeObject>(kind: Kind<T>, options: Parameters<Client['watch']>[1]): WatchEvents<T> {
      const { namespace, signal, bookmarks, ...rest } = options
      const url = collectionPath(kind, namespace) + query({ watch: 1, allowWatchBookmarks: bookmarks, ...rest })
      let values: ReadyIterator<unknown> | undefined
      const eventOf = (value: unknown): WatchEvent<T> => {
        const event = value as { type: string; object: unknown }
        if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as Status)
        named(kind, event.object as T)
        return event as WatchEvent<T>
      }
      return {
        async *[Symbol.asyncIterator]() {
          const headers = { accept: 'application/json' }
          const reply = await transport.send({ method: 'GET', url, headers, signal, stream: true })
          if (reply.status >= 400) throw ApiError.fromReply(reply.status, text(await whole(reply)))
          const stream = jsonLines(reply.body instanceof Uint8Array ? single(reply.body) : reply.body)
          values = stream[Symbol.asyncIterator]()
          for await (const value of { [Symbol.asyncIterator]: () => values! }) yield eventOf(value)
        },
        ready() {
          const next = values?.ready?.()
          return next && eventOf(next.value)
        },
      }
    },

    create: (kind, draft, options = {}) =>
      write('POST', kind, collectionPath(kind, namespaceFor(kind, draft.metadata)), draft, options) as Promise<any>,

    update: (kind, object, options = {}) =>
      write('PUT', kind, objectPath(kind, object.metadata, options.subresource), object, options),

    updateStatus: (kind, object, options = {}) =>
      write('PUT', kind, objectPath(kind, object.metadata, 'status'), object, options),

    async patch<T extends KubeObject>(kind: Kind<T>, key: { name: string }, patch: Patch, options: WriteOptions = {}) {
      const force = patch.type === 'apply' ? patch.force : undefined
      const url = objectPath(kind, key, options.subresource) + writeQuery(options, force)
      const type = patchTypes[patch.type]
      return named(kind, await call<T>('PATCH', url, patch.body, { ...options, type }))
    },

    async delete(kind, key, options = {}) {
      const { gracePeriodSeconds, propagationPolicy, uid, resourceVersion } = options
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(gracePeriodSeconds !== undefined ? { gracePeriodSeconds } : {}),
        ...(propagationPolicy ? { propagationPolicy } : {}),
        ...(uid || resourceVersion
          ? { preconditions: { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) } }
          : {}),
      }
      await call('DELETE', objectPath(kind, key), body, options)
    },

    post: (kind, key, subresource, body, options = {}) =>
      call('POST', objectPath(kind, key, subresource), body, options),

    raw: (method, url, options: RawOptions = {}) =>
      transport.send({
        method,
        url,
        headers: lowerCase(options.headers ?? {}),
        ...(options.body === undefined ? {} : { body: options.body }),
        ...(options.signal ? { signal: options.signal } : {}),
        stream: /[?&](follow|watch)=(1|true)/.test(url),
      }),

    under: fence =>
      createClient({
        ...transport,
        send: request => transport.send({ ...request, headers: { ...request.headers, 'optiflow-fence': fence } }),
      }),
  }
}

/** Built-in kinds leave these two out of list items. */
function named<T extends KubeObject>(kind: Kind<T>, object: T): T {
  object.apiVersion ??= apiVersionOf(kind)
  object.kind ??= kind.kind
  return object
}

function namespaceFor(kind: Kind<any>, metadata: { namespace?: string; name?: string }): string | undefined {
  if (kind.scope === 'Cluster' || metadata.namespace) return metadata.namespace
  throw new TypeError(`${kind.kind} "${metadata.name ?? ''}" is created without metadata.namespace`)
}

function writeQuery(options: WriteOptions, force?: boolean): string {
  return query({ fieldManager: options.fieldManager, dryRun: options.dryRun ? 'All' : undefined, force })
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const name in headers) lower[name.toLowerCase()] = headers[name]!
  return lower
}

async function* single(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield chunk
}

async function whole(reply: ApiReply): Promise<Uint8Array> {
  if (reply.body instanceof Uint8Array) return reply.body
  const parts: Uint8Array[] = []
  for await (const part of reply.body) parts.push(part)
  return Buffer.concat(parts)
}

const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()

function decode(bytes: Uint8Array): unknown {
  return bytes.length ? JSON.parse(text(bytes)) : undefined
}
