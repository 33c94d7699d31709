import { silentLogger } from '../../base/logger.ts'
import { systemOutside } from '../../main/outside.ts'
import { moveStore } from '../../main/store-migration.ts'
import type { CliCommand } from '../command.ts'
import { revisionLine } from '../revision-line.ts'
import { etcdFlags, settingsOf, withSettings } from './settings-flags.ts'

export const storeMigrate: CliCommand = {
  register(program, outside) {
    withSettings(
      program
        .command('migrate')
        .requiredOption('--from <engine>', 'sqlite, or etcd=URL,…')
        .requiredOption('--to <engine>', 'sqlite, or etcd=URL,…: empty'),
      ['data-dir', ...etcdFlags],
    )
      .description('move the store to another engine while no server runs; objects keep their revisions')
      .action(async (given: Record<string, unknown>) => {
        const from = await settingsOf(outside, { ...given, store: given['from'] })
        const to = await settingsOf(outside, { ...given, store: given['to'] })
        const world = systemOutside(silentLogger)
        const onProgress = revisionLine(outside.terminal, world.clock)
        const { entries, revision, digest } = await moveStore(from, to, world, onProgress)
        outside.terminal.out(`${entries} entries moved, revision ${revision}, SHA-256 ${digest}\n`)
        outside.terminal.out(`start it with   optiflow server --store ${given['to']}\n`)
      })
  },
}
