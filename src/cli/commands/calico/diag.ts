import { resolve } from 'node:path'
import { archiveOf, collectDiag } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  file: string
}

export const diag: CliCommand = {
  register(program, outside) {
    withDatastore(program.command('diag'))
      .description('one archive with all that somebody who helps would ask for; no Secret is in it')
      .option('--file <path>', 'where it goes', 'calico-diag.tar.gz')
      .action((flags: Flags) =>
        withCalico(outside, flags, async ({ remote, datastore, world }) => {
          const files = await collectDiag(remote.client, datastore, world.commands)
          await outside.disk.write(resolve(flags.file), archiveOf(files), { mode: 0o600 })
          outside.terminal.out(`${flags.file}: ${files.length} files\n`)
        }),
      )
  },
}
