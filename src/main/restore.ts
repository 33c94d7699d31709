import { OptiFlowError } from '../base/errors.ts'
import { type Backup, type EtcdConnection, importSqlite, Keyring, restoreEtcd } from '../db/index.ts'
import type { OutsideWorld } from './outside.ts'
import { refuseWhileRunning } from './run-file.ts'
import { keyFileOf, sqlitePathOf } from './store.ts'

/**
 * Nobody writes faster on average; so many revisions may have been given since the backup was made. In etcd each one of them costs a
 * write, so that there the leap is nearer to what clusters do.
 */
const leaps = { sqlite: { perSecond: 1000, atLeast: 1_000_000 }, etcd: { perSecond: 100, atLeast: 50_000 } }

/** The keys of what is encrypted in a backup are not here. */
export class KeysMissing extends OptiFlowError {}

export interface RestoreOptions {
  backup: Backup
  dataDir: string
  /** Into an etcd that is new, instead of the data folder's SQLite; the keys go into the folder in any case. */
  etcd?: EtcdConnection
  outside: Pick<OutsideWorld, 'clock' | 'disk'>
  /** Replace the store that is there; it is kept beside. */
  force: boolean
  /** Restore even if Secrets cannot be decrypted afterwards. */
  withoutKeys: boolean
  /** How far the revisions of etcd have got, which takes its time. */
  onProgress?: (done: bigint) => void
}

export interface Restored {
  revision: bigint
  entries: number
  /** Where the store is that was there before. */
  old?: string
}

/**
 * Makes the store of a backup. Its next revision is larger than any that was given since the backup was made, so that no
 * revision means two things, and whoever watched before is told to list again (410).
 * @throws AlreadyRunning, KeysMissing, StoreLocked, StoreFailed
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { backup, dataDir, outside, withoutKeys } = options
  const { clock, disk } = outside
  // The store's lock does not tell of one that is in memory, or in etcd.
  await refuseWhileRunning(disk, dataDir, 'what is restored would be a store that it does not use, or changes')
  const keyring = await Keyring.open(keyFileOf(dataDir), disk)
  if (backup.keys) await keyring.add(backup.keys)
  const missing = backup.sealedBy.filter(id => !keyring.ids.includes(id))
  if (missing.length && !withoutKeys)
    throw new KeysMissing(`Secrets of the backup are encrypted with keys that are not here: ${missing.join(', ')}`, {
      hint: `Put the key file of that cluster at ${keyring.path}, or give up its Secrets with --without-keys.`,
    })
  const nowMs = clock.now()
  const seconds = Math.max(0, Math.ceil((nowMs - Date.parse(backup.created)) / 1000))
  const { perSecond, atLeast } = leaps[options.etcd ? 'etcd' : 'sqlite']
  const revision = BigInt(backup.revision) + BigInt(Math.max(atLeast, seconds * perSecond))
  if (options.etcd) await restoreEtcd(options.etcd, backup.entries, revision, options.onProgress)
  const old = options.etcd ? {} : await intoSqlite(options, revision, nowMs)
  return { revision, entries: backup.entries.length, ...old }
}

async function intoSqlite(
  { backup, dataDir, outside: { disk }, force }: RestoreOptions,
  revision: bigint,
  nowMs: number,
): Promise<Pick<Restored, 'old'>> {
  const path = sqlitePathOf(dataDir)
  const exists = await disk.exists(path)
  const old = `${path}.before-${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
  await importSqlite({
    path,
    disk,
    entries: backup.entries,
    revision,
    nowMs,
    ...(force ? { keepOldAs: old } : {}),
  })
  return exists && force ? { old } : {}
}
