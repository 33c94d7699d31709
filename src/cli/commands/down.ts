import { explain } from '../../base/errors.ts'
import { systemOutside } from '../../main/outside.ts'
import { tearDown } from '../../main/tear-down.ts'
import type { CliCommand } from '../command.ts'
import { partLines } from '../progress.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export const down: CliCommand = {
  register(program, outside) {
    withSettings(program.command('down'), ['data-dir', 'service-cidr', 'kubelet-dir'])
      .description('stop everything that "up" started on this machine')
      .option('--purge', 'delete all data too: no trace is left')
      .action(async (given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        const lines = partLines(outside.terminal)
        try {
          await tearDown({ settings, purge: !!given['purge'], outside: systemOutside(), report: lines.report })
        } catch (error) {
          outside.terminal.err(`${explain(error)}\n`)
          throw error
        }
      })
  },
}
