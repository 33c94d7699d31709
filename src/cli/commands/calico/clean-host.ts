import { cleanHost as run } from '../../../main/calico.ts'
import { systemOutside } from '../../../main/outside.ts'
import type { CliCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'

export const cleanHost: CliCommand = {
  register(program, outside) {
    program
      .command('clean-host')
      .description('take off this machine what Calico left: interfaces, routes, rules, sets, files')
      .action(async () => {
        if (process.getuid?.() !== 0) throw new UsageError('this needs root', { hint: 'Run it with sudo.' })
        const { commands, disk } = systemOutside()
        outside.terminal.out(`${await run(commands, disk)}\n`)
      })
  },
}
