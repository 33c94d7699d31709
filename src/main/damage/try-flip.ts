import { seededRandom } from '../../base/random.ts'
import type { Reconciler } from '../../client/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { decodeStored } from '../convergence/ledger.ts'
import { type Flip, flip } from './flip.ts'
import { openTown, settleTown } from './town.ts'

export interface Entry {
  key: string
  value: Uint8Array
}

/** The store of a town in which everything has come to rest. */
export async function restingTown(): Promise<Entry[]> {
  await using town = await openTown()
  await settleTown(town)
  return (await town.store.list('/registry/')).entries.map(({ key, value }) => ({ key, value }))
}

export interface Damage extends Flip {
  key: string
  /** What came and went because of it. */
  created: number
  deleted: number
  /** What is more than one damaged object may cause; empty when it stayed local. */
  harm: string[]
}

/** Objects that nobody makes again. */
const dear =
  /^(namespaces|persistentvolume|secrets|configmaps|services\/|deployments|statefulsets|daemonsets|cronjobs|workloads|nodes)/
/** These come and go by themselves. */
const timed = /^(pods|jobs)\/(hit|calm)\/tick-/
/** Of one identity, in the time that is watched; a controller that repairs needs a few. */
const mostCreated = 12
const watchedMs = 180_000

/** Flips one field in the quarter `hit`, chosen by the seed, and watches what comes of it. */
export function tryFlip(entries: readonly Entry[], seed: number): Promise<Damage> {
  const random = seededRandom(seed)
  const candidates = struck(entries)
  const entry = candidates[Math.floor(random.next() * candidates.length)]!
  return strike(entries, entry.key, object => flip(object, random))
}

/** What is in the quarter that is damaged, or of it. */
export const struck = (entries: readonly Entry[]): Entry[] =>
  entries.filter(e => /\/hit(\/|-disk$|$)/.test(e.key) && !/\/events\//.test(e.key))

/** Changes the stored object of `key` as told, behind everybody's back, and watches what comes of it. */
export async function strike(
  entries: readonly Entry[],
  key: string,
  change: (object: AnyObject) => Flip,
  more: Reconciler[] = [],
  watchMs = watchedMs,
): Promise<Damage> {
  const object = decodeStored(entries.find(e => e.key === key)?.value)
  const { uid } = object.metadata
  const what = change(object)
  await using town = await openTown(entries, more)
  await town.pass(5_000)
  await town.store.commit([{ key, value: Buffer.from(JSON.stringify(object)) }], new Map())
  await town.pass(watchMs)
  const accounts = [...town.ledger.accounts].filter(([id]) => !timed.test(id))
  const sum = (of: 'created' | 'deleted') => accounts.reduce((n, [, account]) => n + account[of], 0)
  const itsOwn = dependentsOf(entries, uid).add(idOf(key))
  return { key, ...what, created: sum('created'), deleted: sum('deleted'), harm: harmOf(accounts, itsOwn) }
}

function harmOf(accounts: [string, { created: number; deleted: number }][], itsOwn: Set<string>): string[] {
  const harm: string[] = []
  for (const [id, { created, deleted }] of accounts) {
    if (id.includes('/calm')) harm.push(`${id} of the others: created ${created}, deleted ${deleted} times`)
    if (created > mostCreated) harm.push(`${id} was created ${created} times`)
    if (deleted && dear.test(id) && !itsOwn.has(id)) harm.push(`${id} was deleted`)
  }
  return harm
}

const idOf = (key: string) => key.split('/').slice(3).join('/')

/** What goes with an owner. */
function dependentsOf(entries: readonly Entry[], uid: string): Set<string> {
  const objects = entries.map(e => ({ id: idOf(e.key), object: decodeStored(e.value) }))
  const found = new Set<string>()
  for (let owners = [uid]; owners.length; ) {
    const next = objects.filter(
      o => !found.has(o.id) && o.object.metadata.ownerReferences?.some(r => owners.includes(r.uid)),
    )
    for (const { id } of next) found.add(id)
    owners = next.map(o => o.object.metadata.uid)
  }
  return found
}
