import { Channel } from '../../base/channel.ts'
import { ApiError, alreadyExistsError, conflictError, notFoundError, objectModified } from '../../models/api-error.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ApiHandler, ApiReply, ApiRequest } from '../../models/rest.ts'

/** An API without rules: objects of any kind in memory, list, watch, bookmarks, and failures on demand. For tests of clients only. */
export interface FakeApi {
  handler: ApiHandler
  /** By path: `/api/v1/namespaces/ns/pods/name`. */
  objects: Map<string, AnyObject>
  /** Every request so far: `GET /api/v1/pods?watch=1`. */
  requests: string[]
  revision: number
  put(path: string, object: object): AnyObject
  remove(path: string): void
  /** Watches from before now get 410, as after a compaction. */
  forgetHistory(): void
  /** Ends all open watches, by an error of the connection if one is given. */
  cutWatches(error?: Error): void
  bookmark(): void
  /** Called first; a reply or an error of it is the answer. */
  intercept?: ((request: ApiRequest) => ApiReply | undefined | Promise<ApiReply | undefined>) | undefined
}

interface Change {
  revision: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  path: string
  object: AnyObject
}

type Watcher = { matches(path: string, o: AnyObject): boolean; channel: Channel<Uint8Array> }

export function createFakeApi(): FakeApi {
  const objects = new Map<string, AnyObject>()
  let log: Change[] = []
  let oldest = 0
  const watchers = new Set<Watcher>()
  const line = (type: string, object: unknown) => Buffer.from(`${JSON.stringify({ type, object })}\n`)

  function publish(type: Change['type'], path: string, object: AnyObject) {
    log.push({ revision: api.revision, type, path, object })
    for (const w of watchers) if (w.matches(path, object)) w.channel.push(line(type, object))
  }

  function put(path: string, object: any): AnyObject {
    const old = objects.get(path)
    const name = decodeURIComponent(path.split('/').pop()!)
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1]
    const stored = structuredClone(object) as AnyObject
    stored.metadata = {
      ...stored.metadata,
      name,
      ...(namespace ? { namespace } : {}),
      uid: old?.metadata.uid ?? stored.metadata?.uid ?? `uid-${api.revision + 1}`,
      creationTimestamp:
        old?.metadata.creationTimestamp ?? stored.metadata?.creationTimestamp ?? '2026-01-01T00:00:00Z',
      resourceVersion: String(++api.revision),
    }
    objects.set(path, stored)
    publish(old ? 'MODIFIED' : 'ADDED', path, stored)
    return stored
  }

  function remove(path: string) {
    const old = objects.get(path)
    if (!old) return
    objects.delete(path)
    const last = { ...old, metadata: { ...old.metadata, resourceVersion: String(++api.revision) } }
    publish('DELETED', path, last)
  }

  function serve(request: ApiRequest): ApiReply {
    const url = new URL(request.url, 'http://fake')
    const at = address(url.pathname)
    const body = request.body ? JSON.parse(Buffer.from(request.body).toString()) : undefined
    const known = objects.get(at.path)
    const resource = { group: at.group, plural: at.plural, kind: at.plural }
    if (!at.name) {
      // Writes come one at a time, as from servers that know no groups.
      if (at.plural === 'bindinggroups' || at.plural === 'podreportgroups') throw notFoundError(resource, '')
      if (request.method === 'POST') {
        const path = `${at.path}/${body.metadata.name ?? `${body.metadata.generateName}${api.revision + 1}`}`
        if (objects.has(path)) throw alreadyExistsError(resource, body.metadata.name)
        return reply(201, put(path, body))
      }
      return url.searchParams.has('watch') ? watch(url, at, request.signal) : list(url, at)
    }
    if (!known) throw notFoundError(resource, at.name)
    switch (request.method) {
      case 'GET':
        return reply(200, known)
      case 'DELETE':
        remove(at.path)
        return reply(200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
      case 'PUT': {
        const wanted = body.metadata.resourceVersion
        if (wanted && wanted !== known.metadata.resourceVersion) throw conflictError(resource, at.name, objectModified)
        return reply(200, put(at.path, at.subresource === 'status' ? { ...known, status: body.status } : body))
      }
      case 'PATCH':
        return reply(200, put(at.path, merge(known, body)))
      default:
        if (at.subresource === 'binding')
          put(at.path, { ...known, spec: { ...known['spec'], nodeName: body.target.name } })
        if (at.subresource === 'eviction') remove(at.path)
        return reply(201, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
    }
  }

  const matcher = (url: URL, at: Address) => {
    const conditions = [...pairs(url, 'fieldSelector', ''), ...pairs(url, 'labelSelector', 'metadata.labels.')]
    const inNamespace = at.namespace ? `/namespaces/${at.namespace}/` : '/'
    const root = at.group ? `/apis/${at.group}/` : '/api/'
    return (path: string, o: AnyObject) =>
      path.startsWith(root) &&
      path.includes(inNamespace) &&
      path.split('/').at(-2) === at.plural &&
      conditions.every(([field, value, equal]) => (String(read(o, field) ?? '') === value) === equal)
  }

  function list(url: URL, at: Address): ApiReply {
    const matches = matcher(url, at)
    const all = [...objects].filter(([path, o]) => matches(path, o)).map(([, o]) => o)
    const from = Number(url.searchParams.get('continue') ?? 0)
    const limit = Number(url.searchParams.get('limit') ?? all.length) || all.length
    const rest = from + limit < all.length ? { continue: String(from + limit) } : {}
    // Built-in kinds leave apiVersion and kind out of items.
    const items = all.slice(from, from + limit).map(({ apiVersion, kind, ...item }) => item)
    return reply(200, {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(api.revision), ...rest },
      items,
    })
  }

  function watch(url: URL, at: Address, signal: AbortSignal): ApiReply {
    const from = Number(url.searchParams.get('resourceVersion') ?? 0)
    const channel = new Channel<Uint8Array>()
    if (from < oldest) {
      const gone = new ApiError('Expired', `too old resource version: ${from} (${oldest})`)
      channel.push(line('ERROR', gone.toStatus()))
      channel.end()
    } else {
      const watcher = { matches: matcher(url, at), channel }
      for (const c of log)
        if (c.revision > from && watcher.matches(c.path, c.object)) channel.push(line(c.type, c.object))
      watchers.add(watcher)
      signal.addEventListener('abort', () => {
        watchers.delete(watcher)
        channel.fail(signal.reason)
      })
    }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: channel }
  }

  const api: FakeApi = {
    objects,
    requests: [],
    revision: 0,
    put,
    remove,
    forgetHistory() {
      log = []
      oldest = api.revision
    },
    cutWatches(error) {
      for (const w of watchers) error ? w.channel.fail(error) : w.channel.end()
      watchers.clear()
    },
    bookmark() {
      const metadata = { resourceVersion: String(api.revision) }
      for (const w of watchers) w.channel.push(line('BOOKMARK', { metadata }))
    },
    async handler(request) {
      api.requests.push(`${request.method} ${request.url}`)
      try {
        return (await api.intercept?.(request)) ?? serve(request)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return reply(error.code, error.toStatus())
      }
    },
  }
  return api
}

interface Address {
  group: string
  namespace: string | undefined
  plural: string
  name: string | undefined
  subresource: string | undefined
  /** Of the object, or of the collection. */
  path: string
}

function address(path: string): Address {
  const parts = path.split('/').slice(1)
  const group = parts[0] === 'apis' ? parts[1]! : ''
  const root = parts[0] === 'apis' ? 3 : 2
  const namespaced = parts[root] === 'namespaces' && parts.length > root + 2
  const at = namespaced ? root + 2 : root
  const end = parts[at + 1] ? at + 2 : at + 1
  return {
    group,
    namespace: namespaced ? parts[root + 1] : undefined,
    plural: parts[at]!,
    name: parts[at + 1],
    subresource: parts[at + 2],
    path: `/${parts.slice(0, end).join('/')}`,
  }
}

function pairs(url: URL, parameter: string, prefix: string): [string, string, boolean][] {
  const text = url.searchParams.get(parameter)
  if (!text) return []
  return text.split(',').map(term => {
    const [field, value] = term.split(/!?==?/) as [string, string]
    return [prefix + field, value, !term.includes('!=')]
  })
}

const read = (o: any, path: string) => path.split('.').reduce((at, part) => at?.[part], o)

/** Merge patch; lists whose items have a `type` (conditions) merge by it, as strategic patches do. */
function merge(old: any, patch: any): any {
  if (Array.isArray(patch) && Array.isArray(old) && patch.every(p => p?.type)) {
    const kept = old.filter(o => !patch.some(p => p.type === o.type))
    return [...kept, ...patch.map(p => ({ ...old.find(o => o.type === p.type), ...p }))]
  }
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const out: any = { ...(typeof old === 'object' && !Array.isArray(old) ? old : {}) }
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete out[key]
    else out[key] = merge(out[key], value)
  return out
}

function reply(status: number, body: unknown): ApiReply {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) }
}
