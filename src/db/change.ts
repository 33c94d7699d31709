import { checkKey } from './key.ts'
import { type Change, StoreFailed } from './store.ts'

/** Most changes that one commit can carry. */
export const mostChanges = 1024

/** @throws StoreFailed for changes that no engine takes: too many, a key twice, a key that cannot be kept. */
export function checkChanges(changes: Change[]): void {
  if (changes.length > mostChanges)
    throw new StoreFailed(`${changes.length} changes in one commit; at most ${mostChanges} are possible`)
  for (const { key } of changes) checkKey(key)
  if (changes.length < 2) return
  const keys = new Set<string>()
  for (const { key } of changes) {
    if (keys.has(key)) throw new StoreFailed(`key ${key} is changed twice in one commit`)
    keys.add(key)
  }
}
