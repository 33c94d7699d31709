import { resolve } from 'node:path'
import { silentLogger } from '../../base/logger.ts'
import { loadBackup } from '../../main/backups.ts'
import { systemOutside } from '../../main/outside.ts'
import { restore as restoreStore } from '../../main/restore.ts'
import { readBackupSecret, type SecretFlags } from '../backup-secret.ts'
import type { CliCommand } from '../command.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

interface Flags extends SecretFlags, Record<string, unknown> {
  force?: boolean
  withoutKeys?: boolean
}

export const restore: CliCommand = {
  register(program, outside) {
    withSettings(program.command('restore <file>'), ['data-dir'])
      .description('make the SQLite store of a backup, while no server runs')
      .option('--passphrase-file <file>', 'the backup’s passphrase ($OPTIFLOW_BACKUP_PASSPHRASE)')
      .option('--key-file <file>', 'the file that it was encrypted with')
      .option('--force', 'replace the store that is there; it is kept beside')
      .option('--without-keys', 'even if its Secrets cannot be decrypted')
      .action(async (file: string, flags: Flags) => {
        const { dataDir } = await settingsOf(outside, flags)
        const world = systemOutside(silentLogger)
        const backup = await loadBackup(outside.disk, resolve(file), await readBackupSecret(outside, flags))
        const { entries, revision, old } = await restoreStore({
          backup,
          dataDir,
          outside: world,
          force: flags.force === true,
          withoutKeys: flags.withoutKeys === true,
        })
        outside.terminal.out(`${entries} entries of ${backup.created} restored; revisions go on from ${revision}\n`)
        if (old) outside.terminal.out(`the store that was there before is kept as ${old}\n`)
      })
  },
}
