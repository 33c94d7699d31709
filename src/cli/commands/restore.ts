import { resolve } from 'node:path'
import { silentLogger } from '../../base/logger.ts'
import { loadBackup } from '../../main/backups.ts'
import { systemOutside } from '../../main/outside.ts'
import { restore as restoreStore } from '../../main/restore.ts'
import { etcdConnection } from '../../main/store.ts'
import { readBackupSecret, type SecretFlags } from '../backup-secret.ts'
import type { CliCommand } from '../command.ts'
import { UsageError } from '../failure.ts'
import { revisionLine } from '../revision-line.ts'
import { etcdFlags, settingsOf, withSettings } from './settings-flags.ts'

interface Flags extends SecretFlags, Record<string, unknown> {
  force?: boolean
  withoutKeys?: boolean
}

export const restore: CliCommand = {
  register(program, outside) {
    withSettings(program.command('restore <file>'), ['data-dir', 'store', ...etcdFlags])
      .description('make the store of a backup, while no server runs: SQLite, or an etcd that is new')
      .option('--passphrase-file <file>', 'the backup’s passphrase ($OPTIFLOW_BACKUP_PASSPHRASE)')
      .option('--key-file <file>', 'the file that it was encrypted with')
      .option('--force', 'replace the store that is there; it is kept beside')
      .option('--without-keys', 'even if its Secrets cannot be decrypted')
      .action(async (file: string, flags: Flags) => {
        const settings = await settingsOf(outside, flags)
        const world = systemOutside(silentLogger)
        const path = resolve(file)
        if (!(await outside.disk.exists(path)))
          throw new UsageError(`there is no backup ${path}`, {
            hint: 'Name a file that "optiflow backup" has written.',
          })
        const backup = await loadBackup(outside.disk, path, await readBackupSecret(outside, flags))
        const { entries, revision, old } = await restoreStore({
          backup,
          dataDir: settings.dataDir,
          ...(settings.store.engine === 'etcd' ? { etcd: await etcdConnection(settings, world) } : {}),
          outside: world,
          onProgress: revisionLine(outside.terminal, world.clock),
          force: flags.force === true,
          withoutKeys: flags.withoutKeys === true,
        })
        outside.terminal.out(`${entries} entries of ${backup.created} restored; revisions go on from ${revision}\n`)
        if (old) outside.terminal.out(`the store that was there before is kept as ${old}\n`)
      })
  },
}
