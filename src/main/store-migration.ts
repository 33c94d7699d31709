import { OptiFlowError } from '../base/errors.ts'
import { asEtcdImports, Digest, importEtcd, importSqlite, pagesOf, type Store, type Versioned } from '../db/index.ts'
import type { OutsideWorld } from './outside.ts'
import { refuseWhileRunning } from './run-file.ts'
import type { Settings } from './settings.ts'
import { etcdConnection, openEngine, sqlitePathOf } from './store.ts'

/** What is there after the move is not what was there before. */
export class MoveFailed extends OptiFlowError {}

export interface Moved {
  entries: number
  revision: bigint
  /** SHA-256 over all entries with their revisions, the same on both sides. */
  digest: string
}

/**
 * Moves the present state of a store to another engine, while no server uses it: each object keeps its revisions, and the
 * counter goes on from where it was. History begins anew, so older watchers are told to list again.
 * @throws AlreadyRunning, MoveFailed, StoreFailed
 */
export async function moveStore(
  from: Settings,
  to: Settings,
  outside: OutsideWorld,
  onProgress?: (done: bigint) => void,
): Promise<Moved> {
  for (const dataDir of new Set([from.dataDir, to.dataDir]))
    await refuseWhileRunning(outside.disk, dataDir, 'it would go on writing to the old store')
  const { entries, revision } = await readAll(from, outside)
  if (to.store.engine === 'etcd') await importEtcd(await etcdConnection(to, outside), entries, revision, onProgress)
  else
    await importSqlite({
      path: sqlitePathOf(to.dataDir),
      disk: outside.disk,
      entries,
      revision,
      nowMs: outside.clock.now(),
    })
  const expected = to.store.engine === 'etcd' ? await asEtcdImports(entries) : entries
  const [before, after] = [digestOf(expected), digestOf((await readAll(to, outside)).entries)]
  if (before !== after)
    throw new MoveFailed('the stores differ after the move; the old one is unchanged', {
      hint: 'Remove the new one and try again; if it happens again, restore a backup instead.',
    })
  return { entries: entries.length, revision, digest: after }
}

async function readAll(settings: Settings, outside: OutsideWorld): Promise<{ entries: Versioned[]; revision: bigint }> {
  const store: Store = await openEngine(settings, outside)
  try {
    const revision = await store.revision()
    const entries: Versioned[] = []
    for await (const page of pagesOf(store, revision)) entries.push(...page)
    return { entries, revision }
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

function digestOf(entries: readonly Versioned[]): string {
  const digest = new Digest()
  for (const entry of entries) digest.add(entry)
  return digest.text()
}
