import { basename, dirname } from 'node:path'
import { systemCommands } from '../../base/commands.ts'
import { type BootCommand, bootCommands, disableBoot, enableBoot, unitText } from '../../main/boot-unit.ts'
import { isRunning, readRunFile } from '../../main/run-file.ts'
import type { CliCommand, Outside } from '../command.ts'
import { UsageError } from '../failure.ts'
import { settingsOf } from './settings-flags.ts'

/** Starting with the machine: `optiflow boot …`. */
export const boot: CliCommand = {
  register(program, outside) {
    const group = program.command('boot').description('have systemd start this with the machine')
    group
      .command('enable [words...]')
      .description('from now on: boot enable, boot enable -- up --listen 0.0.0.0:6443, boot enable -- agent --server …')
      .action((words: string[]) => enable(outside, words))
    group
      .command('show [words...]')
      .description('print the unit that enable would write')
      .action(async (words: string[]) => outside.terminal.out(unitText(commandOf(words))))
    group
      .command('disable')
      .description('no longer; what runs goes on')
      .action(async () => {
        const gone = await disableBoot({ disk: outside.disk, commands: systemCommands })
        outside.terminal.out(gone.length ? `${gone.join(', ')} taken away\n` : 'nothing was enabled\n')
      })
  },
}

async function enable(outside: Outside, words: string[]): Promise<void> {
  const command = commandOf(words)
  if (process.getuid?.() !== 0)
    throw new UsageError('only root may have systemd start something', { hint: 'Use sudo.' })
  const { dataDir } = await settingsOf(outside, { dataDir: flagOf(command.words, 'data-dir') })
  const running = await readRunFile(outside.disk, dataDir)
  const alive = !!running && (await isRunning(outside.disk, running))
  const path = await enableBoot(command, { disk: outside.disk, commands: systemCommands }, !alive)
  outside.terminal.out(`${path} written\n`)
  outside.terminal.out(
    alive
      ? `Process ${running.pid} goes on; systemd starts the next one at boot, or now: optiflow down && systemctl start ${path.split('/').at(-1)}\n`
      : `It runs; "systemctl status ${path.split('/').at(-1)}" shows how it is.\n`,
  )
}

/** @throws UsageError for what does not go on by itself */
function commandOf(given: string[]): BootCommand {
  const words = given.length ? given : ['up']
  if (!bootCommands.some(name => name === words[0]))
    throw new UsageError(`"${words[0]}" is not started at boot`, { hint: `It is one of ${bootCommands.join(', ')}.` })
  if (words.includes('--detach'))
    throw new UsageError('--detach: systemd itself keeps it in the background', { hint: 'Leave --detach out.' })
  const script = process.argv[1]!
  // The program itself knows what to give Node; anything else is a checkout that runs from its sources.
  const program = basename(script) === 'optiflow' ? [script] : [process.execPath, ...process.execArgv, script]
  return { program, nodeFolder: dirname(process.execPath), words, folder: process.cwd() }
}

function flagOf(words: readonly string[], flag: string): string | undefined {
  const at = words.findIndex(word => word === `--${flag}` || word.startsWith(`--${flag}=`))
  if (at < 0) return undefined
  return words[at]!.includes('=') ? words[at]!.slice(words[at]!.indexOf('=') + 1) : words[at + 1]
}
