import { Channel } from '../../base/channel.ts'
import { type Clock, timestamp } from '../../base/clock.ts'
import type { Client, DeleteOptions, Patch, WatchEvent } from '../../client/index.ts'
import { ServerUnreachable } from '../../client/index.ts'
import { ApiError, alreadyExistsError, conflictError, notFoundError, objectModified } from '../../models/api-error.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import { type KubeObject, keyText, type ObjectKey } from '../../models/object.ts'
import type { Pod } from '../../models/types/core-v1.ts'

/** As much of an API server as an agent sees, in memory, for tests of the agent alone. */
export class FakeApi {
  readonly client: Client
  /** While true every call fails as if the server were gone, and watches end. */
  away = false
  /** Every write, as `patch pods default/web`. */
  readonly writes: string[] = []
  readonly #clock: Clock
  readonly #objects = new Map<string, { kind: Kind<any>; object: KubeObject }>()
  readonly #watchers = new Set<{ plural: string; channel: Channel<WatchEvent<any>>; matches(o: KubeObject): boolean }>()
  #revision = 100

  constructor(clock: Clock) {
    this.#clock = clock
    this.client = this.#makeClient()
  }

  find<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): T | undefined {
    const found = this.#objects.get(idOf(kind, key))
    return found && (structuredClone(found.object) as T)
  }

  all<T extends KubeObject>(kind: Kind<T>): T[] {
    return [...this.#objects.values()]
      .filter(e => e.kind.plural === kind.plural)
      .map(e => structuredClone(e.object) as T)
  }

  goAway(): void {
    this.away = true
    for (const watcher of this.#watchers) watcher.channel.fail(new ServerUnreachable('fake'))
    this.#watchers.clear()
  }

  comeBack(): void {
    this.away = false
  }

  #makeClient(): Client {
    const get = async <T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> => {
      this.#reach()
      const found = this.find(kind, key)
      if (!found) throw notFoundError(kind, key.name)
      return found
    }
    const write = <T extends KubeObject>(kind: Kind<T>, what: string, next: T): T => {
      const key = keyOfMeta(next)
      this.writes.push(`${what} ${kind.plural} ${keyText(key)}`)
      next.metadata.resourceVersion = String(++this.#revision)
      this.#objects.set(idOf(kind, key), { kind, object: next })
      this.#tell(kind, what === 'create' ? 'ADDED' : 'MODIFIED', next)
      return structuredClone(next)
    }
    return {
      get,
      list: async (kind, options = {}) => {
        this.#reach()
        const items = this.all(kind).filter(matcher(options))
        return {
          apiVersion: apiVersionOf(kind),
          kind: `${kind.kind}List`,
          metadata: { resourceVersion: String(this.#revision) },
          items,
        }
      },
      watch: (kind, options) => {
        this.#reach()
        const channel = new Channel<WatchEvent<any>>()
        const watcher = { plural: kind.plural, channel, matches: matcher(options) }
        this.#watchers.add(watcher)
        options.signal.addEventListener('abort', () => channel.end(), { once: true })
        return channel
      },
      create: async (kind, draft) => {
        this.#reach()
        const object = structuredClone(draft) as any
        if (this.find(kind, keyOfMeta(object))) throw alreadyExistsError(kind, object.metadata.name)
        object.apiVersion = apiVersionOf(kind)
        object.kind = kind.kind
        object.metadata.uid ??= `uid-${object.metadata.name}-${this.#revision}`
        object.metadata.creationTimestamp = timestamp(this.#clock)
        if (kind.subresources?.includes('status')) delete object.status
        return write(kind, 'create', object)
      },
      update: async (kind, object) => {
        const old = await get(kind, keyOfMeta(object))
        const { resourceVersion } = object.metadata
        if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
          throw conflictError(kind, object.metadata.name, objectModified)
        return write(kind, 'update', structuredClone(object))
      },
      updateStatus: async (kind, object) => {
        const old: any = await get(kind, keyOfMeta(object))
        return write(kind, 'status', { ...old, status: structuredClone((object as any).status) })
      },
      patch: async (kind, key, patch: Patch) => {
        const old: any = await get(kind, key)
        const body: any = structuredClone(patch.body)
        if (body.metadata?.uid && body.metadata.uid !== old.metadata.uid)
          throw conflictError(kind, key.name, 'the uid differs')
        return write(kind, 'patch', merge(old, body, patch.type === 'strategic'))
      },
      delete: async (kind, key, options = {}) => {
        const old = await get(kind, key)
        this.#delete(kind, key, old, options)
      },
      post: async (kind, key, subresource) => {
        await get(kind, key)
        if (subresource !== 'token') throw new ApiError('NotFound', `no ${subresource} here`)
        const expirationTimestamp = new Date(this.#clock.now() + 3_600_000).toISOString()
        return { status: { token: `token-of-${key.name}-${++this.#revision}`, expirationTimestamp } } as any
      },
      raw: async () => {
        throw new Error('not in this fake')
      },
      under: () => this.client,
    }
  }

  #delete(kind: Kind<any>, key: ObjectKey, old: KubeObject, options: DeleteOptions) {
    if (options.uid && options.uid !== old.metadata.uid) throw conflictError(kind, key.name, 'the uid differs')
    this.writes.push(`delete ${kind.plural} ${keyText(key)}`)
    const pod = old as Pod
    const grace = options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30
    if (kind.plural === 'pods' && pod.spec.nodeName && grace > 0) {
      old.metadata.deletionTimestamp = new Date(this.#clock.now() + grace * 1000).toISOString()
      old.metadata.deletionGracePeriodSeconds = grace
      old.metadata.resourceVersion = String(++this.#revision)
      this.#objects.set(idOf(kind, key), { kind, object: old })
      this.#tell(kind, 'MODIFIED', old)
      return
    }
    if (old.metadata.finalizers?.length) return
    if (kind.plural === 'pods') old.metadata.deletionGracePeriodSeconds = grace
    this.#objects.delete(idOf(kind, key))
    old.metadata.resourceVersion = String(++this.#revision)
    this.#tell(kind, 'DELETED', old)
  }

  #reach() {
    if (this.away) throw new ServerUnreachable('fake')
  }

  #tell(kind: Kind<any>, type: WatchEvent<any>['type'], object: KubeObject) {
    for (const watcher of this.#watchers)
      if (watcher.plural === kind.plural && watcher.matches(object))
        watcher.channel.push({ type, object: structuredClone(object) })
  }
}

function keyOfMeta({ metadata }: { metadata: { name?: string; namespace?: string } }): ObjectKey {
  return metadata.namespace ? { namespace: metadata.namespace, name: metadata.name! } : { name: metadata.name! }
}

const idOf = (kind: Kind<any>, key: ObjectKey) => `${kind.group}/${kind.plural}/${keyText(key)}`

function matcher({ namespace, fieldSelector }: { namespace?: string; fieldSelector?: string }) {
  const wanted = (fieldSelector ?? '')
    .split(',')
    .filter(Boolean)
    .map(part => part.split('=') as [string, string])
  return (object: any) =>
    (!namespace || object.metadata.namespace === namespace) &&
    wanted.every(([path, value]) => path.split('.').reduce((o: any, key) => o?.[key], object) === value)
}

/** Merge patch; lists of conditions merge by type when strategic. */
function merge(target: any, patch: any, strategic: boolean): any {
  if (Array.isArray(patch)) {
    const items = patch.filter(item => item?.$patch !== 'replace')
    return strategic && items[0]?.type && items[0]?.status ? mergeByType(target ?? [], items) : items
  }
  if (typeof patch !== 'object' || patch === null) return patch
  const out = { ...(typeof target === 'object' && !Array.isArray(target) ? target : {}) }
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete out[key]
    else out[key] = merge(out[key], value, strategic)
  return out
}

function mergeByType(target: any[], items: any[]): any[] {
  const out = [...target]
  for (const item of items) {
    const at = out.findIndex(o => o.type === item.type)
    if (at < 0) out.push(merge({}, item, true))
    else out[at] = merge(out[at], item, true)
  }
  return out
}
