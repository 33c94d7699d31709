import { resolve } from 'node:path'
import { saveBackup } from '../../main/backups.ts'
import { readBackupSecret, type SecretFlags } from '../backup-secret.ts'
import { type CliCommand, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'

export const backup: CliCommand = {
  register(program, outside) {
    withConnection(program.command('backup <file>'))
      .description('write all of the running cluster’s store to a file: consistent, checksummed')
      .option('--passphrase-file <file>', 'encrypt it with the passphrase in this file ($OPTIFLOW_BACKUP_PASSPHRASE)')
      .option('--key-file <file>', 'encrypt it with what is in this file')
      .action(async (file: string, flags: ConnectionFlags & SecretFlags) => {
        const secret = await readBackupSecret(outside, flags)
        await withRemote(outside, flags, async remote => {
          const chunks = await remote.stream(`/optiflow/backup${secret ? '?keys=true' : ''}`, outside.signal)
          const path = resolve(file)
          const { entries, revision, sealedBy } = await saveBackup(outside.disk, path, chunks, secret)
          outside.terminal.out(`${path}: ${entries.length} entries, revision ${revision}, read back and checked\n`)
          if (!secret && sealedBy.length)
            outside.terminal.out('Secrets in it stay encrypted: keep a copy of keys/store.keys elsewhere.\n')
        })
      })
  },
}
