import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { type Client, createInformers, type Informer, type InformerSet, ServerUnreachable } from '../client/index.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { type KubeObject, keyText, type ObjectKey } from '../models/object.ts'

/** The ConfigMaps, Secrets and such that a node's pods refer to: read one by one, since a node may see no others. */
export interface ReferencedObjects extends AsyncDisposable {
  /** Newest state; what was last known while the server is away. Undefined: it does not exist. */
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T | undefined>
  /** Tells of every change of one object until the returned function is called. */
  follow(kind: Kind<any>, key: ObjectKey, onChange: () => void): () => void
}

export interface ReferencedObjectsOptions {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  /** What was read is good for so long; 0 unless said otherwise. Simulated nodes share one source with a minute. */
  freshMs?: number
}

interface Followed {
  set: InformerSet
  informer: Informer<any>
  listeners: Set<() => void>
}

const remembered = 4_096

export function createReferencedObjects(options: ReferencedObjectsOptions): ReferencedObjects {
  const { client, clock } = options
  const last = new Map<string, { object: KubeObject | undefined; atMs: number }>()
  const followed = new Map<string, Followed>()
  const under = new Map<string, Promise<KubeObject | undefined>>()
  const idOf = (kind: Kind<any>, key: ObjectKey) => `${kind.plural}.${kind.group}/${keyText(key)}`

  async function read(kind: Kind<any>, key: ObjectKey, id: string): Promise<KubeObject | undefined> {
    try {
      const object = await client.get<KubeObject>(kind, key)
      remember(id, object)
      return object
    } catch (error) {
      if (isNotFound(error)) {
        remember(id, undefined)
        return undefined
      }
      const known = last.get(id)
      const away = error instanceof ServerUnreachable || (error instanceof ApiError && error.retriable)
      if (away && known) return known.object
      throw error
    }
  }

  function remember(id: string, object: KubeObject | undefined) {
    last.delete(id)
    last.set(id, { object, atMs: clock.monotonicMs() })
    if (last.size > remembered) last.delete(last.keys().next().value!)
  }

  return {
    async get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T | undefined> {
      const id = idOf(kind, key)
      const live = followed.get(id)
      if (live?.informer.synced) {
        const found = live.informer.get(key) as T | undefined
        if (found) return found
      }
      const known = last.get(id)
      if (known?.object && options.freshMs && clock.monotonicMs() - known.atMs < options.freshMs)
        return known.object as T
      let reading = under.get(id)
      if (!reading) {
        reading = read(kind, key, id).finally(() => under.delete(id))
        under.set(id, reading)
      }
      return (await reading) as T | undefined
    },

    follow(kind, key, onChange) {
      const id = idOf(kind, key)
      let entry = followed.get(id)
      if (!entry) {
        const set = createInformers(options)
        const informer = set.for(kind, {
          ...(key.namespace ? { namespace: key.namespace } : {}),
          fieldSelector: `metadata.name=${key.name}`,
        })
        const listeners = new Set<() => void>()
        const tell = () => {
          for (const listener of listeners) listener()
        }
        informer.subscribe({ added: tell, updated: tell, deleted: tell })
        followed.set(id, (entry = { set, informer, listeners }))
      }
      const { listeners, set } = entry
      const listener = () => onChange()
      listeners.add(listener)
      return () => {
        if (!listeners.delete(listener) || listeners.size) return
        followed.delete(id)
        void set[Symbol.asyncDispose]()
      }
    },

    async [Symbol.asyncDispose]() {
      await Promise.all([...followed.values()].map(entry => entry.set[Symbol.asyncDispose]()))
      followed.clear()
    },
  }
}
