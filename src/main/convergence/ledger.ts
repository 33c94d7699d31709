import type { Store } from '../../db/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { nameless } from './likeness.ts'

/** How often an object, or one of those with random names and one owner, came and went. */
export interface Account {
  created: number
  deleted: number
}

/** What really happened, from the store itself: no client's view has a say in it. */
export interface Ledger {
  /** By likeness: `pods/default/web-7d4f-*`. */
  accounts: Map<string, Account>
  /** Changes so far, of whatever kind but those nobody waits for. */
  changes: number
}

/** Events say what was tried, Leases that somebody lives: neither is a state of the world. */
const ignored = /^\/registry\/([^/]*\/events|coordination\.k8s\.io\/leases)\//

export function keepLedger(store: Store, from: bigint, signal: AbortSignal): Ledger {
  const ledger: Ledger = { accounts: new Map(), changes: 0 }
  const accountOf = (key: string, value: Uint8Array | undefined) => {
    const id = likenessOf(key, decodeStored(value))
    let account = ledger.accounts.get(id)
    if (!account) ledger.accounts.set(id, (account = { created: 0, deleted: 0 }))
    return account
  }
  const read = async () => {
    const values = new Map((await store.list('/registry/', { at: from })).entries.map(e => [e.key, e.value]))
    for await (const { events } of store.watch('/registry/', from, signal))
      for (const event of events) {
        if (ignored.test(event.key)) continue
        ledger.changes++
        if (event.type === 'delete') accountOf(event.key, values.get(event.key)).deleted++
        else {
          values.set(event.key, event.value!)
          if (event.created === event.revision) accountOf(event.key, event.value).created++
        }
      }
  }
  read().catch(error => {
    if (!signal.aborted) throw error
  })
  return ledger
}

/** Everything in the store now, in the order of keys. */
export async function snapshot(store: Store): Promise<{ key: string; object: AnyObject }[]> {
  const { entries } = await store.list('/registry/')
  return entries.filter(e => !ignored.test(e.key)).map(e => ({ key: e.key, object: decodeStored(e.value) }))
}

export function decodeStored(value: Uint8Array | undefined): AnyObject {
  return JSON.parse(Buffer.from(value ?? []).toString() || '{}') as AnyObject
}

/** The key of an object, without the part of its name that is chance. */
export function likenessOf(key: string, object: AnyObject): string {
  const parts = key.slice('/registry/'.length).split('/')
  return [...parts.slice(1, -1), nameless(object) ?? parts.at(-1)].join('/')
}
