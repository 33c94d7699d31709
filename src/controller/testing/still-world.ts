import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { createCache } from '../../client/cache.ts'
import { ObjectIndex } from '../../client/object-index.ts'
import type { World } from '../../client/reconciler.ts'
import { ApiError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { type KubeObject, keyText, type ObjectKey } from '../../models/object.ts'

export interface StillWorldOptions {
  /** What the cache shows, by kind. */
  cached?: [Kind<any>, KubeObject[]][]
  /** What the server answers with instead; the same unless given. */
  live?: [Kind<any>, KubeObject[]][]
  /** Wall time. */
  nowMs?: number
  /** What a write or a list ends with, if it fails: `create Pod`, `patch Pod`, `list Pod`. */
  fails?: Record<string, Error>
  /** What other paths of the API answer; undefined: they are not there. */
  raw?(url: string): object | undefined
}

export interface StillWorld extends World {
  /** `create Job default/x`, in order. */
  writes: string[]
  /** The bodies of the same writes. */
  bodies: any[]
  /** `Warning FailedCreate …`, in order. */
  told: string[]
}

type Objects = (kind: Kind<any>) => ObjectIndex<any>

/** A world for one look of a reconciler: nothing in it moves, and what is written is noted and changes nothing. */
export function stillWorld({ cached = [], live = cached, nowMs, fails = {}, raw }: StillWorldOptions): StillWorld {
  const clock = new VirtualClock(nowMs)
  const [shown, served] = [indexes(cached), indexes(live)]
  const writes: string[] = []
  const bodies: any[] = []
  const told: string[] = []
  const tell = (type: string) => (_: KubeObject, reason: string, message: string) =>
    void told.push(`${type} ${reason} ${message}`)
  const write = async (verb: string, kind: Kind<any>, key: ObjectKey, body?: unknown) => {
    writes.push(`${verb} ${kind.kind} ${keyText(key)}`)
    bodies.push(body)
    const failure = fails[`${verb} ${kind.kind}`]
    if (failure) throw failure
    return { apiVersion: kind.version, kind: kind.kind, ...(body as object) } as any
  }
  const keyIn = ({ metadata }: { metadata: any }): ObjectKey => ({
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name ?? `${metadata.generateName}*`,
  })
  const client = {
    async get(kind: Kind<any>, key: ObjectKey) {
      const found = served(kind).get(key)
      if (!found) throw new ApiError('NotFound', `${kind.plural} "${key.name}" not found`)
      return structuredClone(found)
    },
    async list(kind: Kind<any>, { namespace }: { namespace?: string } = {}) {
      const failure = fails[`list ${kind.kind}`]
      if (failure) throw failure
      return { metadata: { resourceVersion: '1' }, items: structuredClone(served(kind).list(namespace)) }
    },
    create: (kind: Kind<any>, draft: any) => write('create', kind, keyIn(draft), draft),
    update: (kind: Kind<any>, object: any) => write('update', kind, keyIn(object), object),
    updateStatus: (kind: Kind<any>, object: any) => write('status', kind, keyIn(object), object),
    async patch(kind: Kind<any>, key: ObjectKey, { body }: { body: object }) {
      await write('patch', kind, key, body)
      return structuredClone(served(kind).get(key))
    },
    delete: async (kind: Kind<any>, key: ObjectKey, options: object) =>
      void (await write('delete', kind, key, options)),
    async raw(_: string, url: string) {
      const found = raw?.(url)
      const status = { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: `${url} not found` }
      return { status: found ? 200 : 404, headers: {}, body: Buffer.from(JSON.stringify(found ?? status)) }
    },
  }
  return {
    cache: createCache({ for: shown } as never),
    client: client as never,
    events: { normal: tell('Normal'), warning: tell('Warning'), flush: async () => {} },
    ...{ clock, random: seededRandom(1), log: silentLogger, signal: new AbortController().signal },
    ...{ writes, bodies, told },
  }
}

function indexes(objects: [Kind<any>, KubeObject[]][]): Objects {
  const byKind = new Map<Kind<any>, ObjectIndex<any>>()
  const of = (kind: Kind<any>) => {
    let index = byKind.get(kind)
    if (!index) byKind.set(kind, (index = new ObjectIndex()))
    return index
  }
  for (const [kind, all] of objects) for (const object of all) of(kind).set(object)
  return of
}
