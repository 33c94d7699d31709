import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { type Key, type Revision, type Store, StoreConflict } from '../store.ts'

/** One operation on one key, as its caller saw it. */
export interface Observed {
  key: Key
  /** Begin and end in milliseconds that never jump. */
  began: number
  ended: number
  /** `lost`: a write (without a value: a deletion) of which nobody knows whether it was carried out. */
  type: 'read' | 'write' | 'delete' | 'lost'
  /** Of the state read (0: nothing there), or of the change. */
  revision: Revision
  /** Written or read. */
  value: string | undefined
  /** The revision that a write replaced; undefined if it replaced whatever there was. */
  replaced?: Revision | undefined
}

/**
 * What contradicts that each key is one register which changes at one moment within each operation. Every change has a
 * revision of its own, so the order is known and needs no search: it must be that of time, and every read must be of a
 * change in it.
 */
export function violations(history: readonly Observed[]): string[] {
  const byKey = new Map<Key, Observed[]>()
  for (const o of history) byKey.set(o.key, [...(byKey.get(o.key) ?? []), o])
  return [...byKey.values()].flatMap(operations => [
    ...outOfTime(operations),
    ...readFromNowhere(operations),
    ...replacedAnother(operations),
  ])
}

/** Whoever begins after another has ended must not see less. Deletions are seen as revision 0, so reads of nothing are left to the others. */
function outOfTime(operations: readonly Observed[]): string[] {
  const found: string[] = []
  const known = operations.filter(o => o.type !== 'lost' && o.revision > 0n)
  const byEnd = [...known].sort((a, b) => a.ended - b.ended)
  let newest: Observed | undefined
  let next = 0
  for (const operation of [...known].sort((a, b) => a.began - b.began)) {
    for (; next < byEnd.length && byEnd[next]!.ended < operation.began; next++)
      if (!newest || byEnd[next]!.revision > newest.revision) newest = byEnd[next]
    if (newest && operation.revision < newest.revision)
      found.push(`${operation.type} of ${operation.key} saw ${operation.revision} after ${newest.revision} was seen`)
  }
  return found
}

function readFromNowhere(operations: readonly Observed[]): string[] {
  const written = new Map(operations.filter(o => o.type === 'write').map(o => [o.revision, o.value]))
  const lost = new Set(operations.filter(o => o.type === 'lost').map(o => o.value))
  return operations
    .filter(o => o.type === 'read' && o.revision > 0n)
    .filter(o => (written.has(o.revision) ? written.get(o.revision) !== o.value : !lost.has(o.value)))
    .map(o => `read of ${o.key} got ${o.value} at ${o.revision}, which nobody wrote`)
}

/** Between a change and the one that it replaced there is no other. */
function replacedAnother(operations: readonly Observed[]): string[] {
  const changes = operations.filter(o => o.type === 'write' || o.type === 'delete')
  const revisions = changes.map(o => o.revision).sort((a, b) => (a < b ? -1 : 1))
  const twice = revisions.filter((r, i) => r === revisions[i - 1]).map(r => `two changes have the revision ${r}`)
  const before = new Map(revisions.map((r, i) => [r, revisions[i - 1] ?? 0n]))
  const deletions = new Set(changes.filter(o => o.type === 'delete').map(o => o.revision))
  const lost = operations.filter(o => o.type === 'lost' && o.value === undefined).map(o => o.replaced ?? 0n)
  const deletedAfter = (last: Revision, end: Revision) =>
    deletions.has(last) || lost.some(replaced => replaced >= last && replaced < end)
  const wrong = changes
    .filter(o => o.replaced !== undefined)
    .filter(o => {
      const last = before.get(o.revision)!
      // What was deleted is replaced as nothing.
      return o.replaced === 0n ? last > 0n && !deletedAfter(last, o.revision) : last > o.replaced!
    })
    .map(o => `${o.type} of ${o.key} at ${o.revision} replaced ${o.replaced}, but there was ${before.get(o.revision)}`)
  return [...twice, ...wrong]
}

export interface Load {
  store: Pick<Store, 'get' | 'commit'>
  clock: Clock
  random: Random
  keys: number
  clients: number
  /** Tells the values of several loads apart. */
  name: string
  /** Ends when this says so. */
  until(operations: number): boolean
}

/** Clients that read, write, compare and swap, and delete few keys, as fast as they are answered. */
export async function observe(load: Load, history: Observed[]): Promise<void> {
  let count = 0
  const client = async (id: number) => {
    for (let n = 0; !load.until(history.length); n++) {
      const key = `/linear/${Math.floor(load.random.next() * load.keys)}`
      history.push(await operate(load, key, `${load.name}-${id}-${n}`))
      count++
    }
  }
  await Promise.all(Array.from({ length: load.clients }, (_, id) => client(id)))
  if (count === 0) throw new Error('nothing was done')
}

async function operate({ store, clock, random }: Load, key: Key, value: string): Promise<Observed> {
  const chance = random.next()
  const seen = chance < 0.5 ? undefined : await store.get(key).catch(() => undefined)
  const began = clock.monotonicMs()
  const done = (o: Pick<Observed, 'type' | 'revision' | 'value' | 'replaced'>): Observed => ({
    key,
    began,
    ended: clock.monotonicMs(),
    ...o,
  })
  const remove = chance > 0.95 && seen !== undefined
  const replaced = chance < 0.5 ? undefined : (seen?.revision ?? 0n)
  try {
    if (chance < 0.4) {
      const found = await store.get(key)
      const text = found && Buffer.from(found.value).toString()
      return done({ type: 'read', revision: found?.revision ?? 0n, value: text })
    }
    const change = { key, value: remove ? undefined : new Uint8Array(Buffer.from(value)) }
    const revision = await store.commit([change], new Map(replaced === undefined ? [] : [[key, replaced]]))
    return done({ type: remove ? 'delete' : 'write', revision, value, replaced })
  } catch (error) {
    const known = error instanceof StoreConflict
    // A conflict is a look at what is there; after any other failure the write may be there or not.
    if (known) return done({ type: 'read', revision: error.actual?.revision ?? 0n, value: textOf(error.actual?.value) })
    if (chance < 0.4) return done({ type: 'read', revision: 0n, value: undefined })
    return done({ type: 'lost', revision: 0n, value: remove ? undefined : value, replaced })
  }
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString()
}
