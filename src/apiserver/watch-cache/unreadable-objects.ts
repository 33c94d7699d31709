import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Store } from '../../db/store.ts'
import type { KeptObject } from './kept-object.ts'
import { WatchCache } from './watch-cache.ts'

/** What is known of an object that cannot be decoded. */
export interface UnreadableObject {
  key: string
  namespace?: string
  name: string
  revision: string
  bytes: number
  /** The first sixty bytes, as far as they can be printed. */
  begins: string
}

export function describeUnreadable({ key, namespace, name, revision, bytes }: KeptObject): UnreadableObject {
  return {
    key,
    ...(namespace ? { namespace } : {}),
    name,
    revision: String(revision),
    bytes: bytes.length,
    begins: bytes.toString('latin1', 0, 60).replace(/[^ -~]/g, '?'),
  }
}

/** Those of a store that no server of this process serves. Reads everything; writes nothing. */
export async function unreadableObjects(
  store: Store,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<UnreadableObject[]> {
  const cache = new WatchCache({ store, clock, log })
  await cache.start()
  try {
    return cache.unreadable().map(describeUnreadable)
  } finally {
    await cache.close()
  }
}
