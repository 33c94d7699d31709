import { OptiFlowError } from '../base/errors.ts'
import { type Backup, importSqlite, Keyring } from '../db/index.ts'
import type { OutsideWorld } from './outside.ts'
import { keyFileOf, sqlitePathOf } from './store.ts'

/** Nobody writes faster on average; so many revisions may have been given since the backup was made. */
const revisionsPerSecond = 1000
const revisionsAtLeast = 1_000_000

/** The keys of what is encrypted in a backup are not here. */
export class KeysMissing extends OptiFlowError {}

export interface RestoreOptions {
  backup: Backup
  dataDir: string
  outside: Pick<OutsideWorld, 'clock' | 'disk'>
  /** Replace the store that is there; it is kept beside. */
  force: boolean
  /** Restore even if Secrets cannot be decrypted afterwards. */
  withoutKeys: boolean
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
 * @throws KeysMissing, StoreLocked, StoreFailed
 */
export async function restore({ backup, dataDir, outside, force, withoutKeys }: RestoreOptions): Promise<Restored> {
  const { clock, disk } = outside
  const keyring = await Keyring.open(keyFileOf(dataDir), disk)
  if (backup.keys) await keyring.add(backup.keys)
  const missing = backup.sealedBy.filter(id => !keyring.ids.includes(id))
  if (missing.length && !withoutKeys)
    throw new KeysMissing(`Secrets of the backup are encrypted with keys that are not here: ${missing.join(', ')}`, {
      hint: `Put the key file of that cluster at ${keyring.path}, or give up its Secrets with --without-keys.`,
    })
  const nowMs = clock.now()
  const seconds = Math.max(0, Math.ceil((nowMs - Date.parse(backup.created)) / 1000))
  const revision = BigInt(backup.revision) + BigInt(Math.max(revisionsAtLeast, seconds * revisionsPerSecond))
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
  return { revision, entries: backup.entries.length, ...(exists && force ? { old } : {}) }
}
