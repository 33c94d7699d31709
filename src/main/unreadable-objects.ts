import { type UnreadableObject, unreadableObjects } from '../apiserver/index.ts'
import { systemRandom } from '../base/random.ts'
import type { OutsideWorld } from './outside.ts'
import type { Settings } from './settings.ts'
import { openStore } from './store.ts'

export type { UnreadableObject }

/** Who deletes, as the history tells. */
const user = 'optiflow store unreadable --offline'

/** What cannot be decoded in the store that the settings name. A SQLite store must not be in use. @throws StoreLocked, StoreFailed */
export async function readUnreadable(settings: Settings, outside: OutsideWorld): Promise<UnreadableObject[]> {
  await using opened = await openStore(settings, outside)
  return await unreadableObjects(opened.store, outside)
}

/** Deletes one of them, unless it was changed since. @throws StoreConflict, StoreLocked, StoreFailed */
export async function removeUnreadable(
  { key, revision }: UnreadableObject,
  settings: Settings,
  outside: OutsideWorld,
): Promise<void> {
  await using opened = await openStore(settings, outside)
  const author = { user, request: systemRandom.uuid() }
  await opened.store.commit([{ key, value: undefined }], new Map([[key, BigInt(revision)]]), author)
}
