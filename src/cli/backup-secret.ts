import type { BackupSecret } from '../main/backups.ts'
import type { Outside } from './command.ts'
import { UsageError } from './failure.ts'

export interface SecretFlags {
  passphraseFile?: string
  keyFile?: string
}

/** What encrypts a backup: from a file, since arguments are seen by others; or a passphrase from the environment. */
export async function readBackupSecret(outside: Outside, flags: SecretFlags): Promise<BackupSecret | undefined> {
  const { passphraseFile, keyFile } = flags
  if (passphraseFile && keyFile) throw new UsageError('--passphrase-file and --key-file do not go together')
  if (keyFile) return { keyFile: await outside.disk.read(keyFile) }
  const passphrase = passphraseFile
    ? (await outside.disk.readText(passphraseFile)).trimEnd()
    : outside.env['OPTIFLOW_BACKUP_PASSPHRASE']
  if (passphrase === '') throw new UsageError('the passphrase is empty')
  return passphrase === undefined ? undefined : { passphrase }
}
