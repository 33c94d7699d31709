import { join } from 'node:path'
import { type Clock, every } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type Backup, openStream, readBackup, type Secret, type Store, sealStream, writeBackup } from '../db/index.ts'

export type { Secret as BackupSecret }

/** Writes a backup's stream to a file, for the owner only, and reads it back before it gets its name. */
export async function saveBackup(
  disk: Disk,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  secret: Secret | undefined,
): Promise<Backup> {
  const scratch = `${path}.part`
  try {
    await disk.write(scratch, '', { mode: 0o600 })
    const file = await disk.open(scratch, 'a')
    try {
      for await (const chunk of secret ? sealStream(chunks, secret) : chunks) await file.write(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    const backup = await loadBackup(disk, scratch, secret)
    await disk.rename(scratch, path)
    return backup
  } catch (error) {
    await disk.remove(scratch)
    throw error
  }
}

/** @throws BadBackup */
export function loadBackup(disk: Disk, path: string, secret: Secret | undefined): Promise<Backup> {
  return readBackup(openStream(chunksOf(disk, path), secret))
}

async function* chunksOf(disk: Disk, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await disk.open(path)
  try {
    for (let at = 0; ; ) {
      const buffer = Buffer.allocUnsafe(256 << 10)
      const length = await file.read(buffer, at)
      if (length === 0) return
      yield buffer.subarray(0, length)
      at += length
    }
  } finally {
    await file.close()
  }
}

export interface BackupPlan {
  folder: string
  everyMs: number
  /** So many are kept, the newest. */
  keep: number
  secret: Secret | undefined
}

export interface PlannedBackups {
  plan: BackupPlan
  /** With sealed values. */
  store: Store
  clock: Clock
  disk: Disk
  log: Logger
  signal: AbortSignal
}

/** Backups at regular times, of which the oldest are removed. */
export function scheduleBackups(options: PlannedBackups): void {
  every(options.clock, options.plan.everyMs, () => backUpOnce(options), options.signal)
}

async function backUpOnce({ plan, store, clock, disk, log }: PlannedBackups): Promise<void> {
  const path = join(plan.folder, `${fileTime(clock)}.backup`)
  try {
    await disk.makeFolder(plan.folder, { mode: 0o700 })
    const { entries, revision } = await saveBackup(disk, path, writeBackup(store, { clock }), plan.secret)
    log.info({ path, revision, entries: entries.length }, 'backup written')
    for (const old of (await backupsIn(disk, plan.folder)).slice(plan.keep)) await disk.remove(join(plan.folder, old))
  } catch (error) {
    log.error({ path, error: explain(error) }, 'backup failed')
  }
}

/** The newest first. Others' files are left alone. */
async function backupsIn(disk: Disk, folder: string): Promise<string[]> {
  const names = (await disk.list(folder)).map(entry => entry.name)
  return names
    .filter(name => /^\d{8}T\d{6}Z\.backup$/.test(name))
    .sort()
    .reverse()
}

function fileTime(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}
