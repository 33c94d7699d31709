import { Command, CommanderError } from 'commander'
import { isAbort } from '../base/errors.ts'
import { version } from '../main/version.ts'
import type { CliCommand, Outside } from './command.ts'
import { agent } from './commands/agent.ts'
import { apply } from './commands/apply.ts'
import { backup } from './commands/backup.ts'
import { blame } from './commands/blame.ts'
import { calico } from './commands/calico.ts'
import { controller } from './commands/controller.ts'
import { remove } from './commands/delete.ts'
import { demo } from './commands/demo.ts'
import { describe } from './commands/describe.ts'
import { down } from './commands/down.ts'
import { events } from './commands/events.ts'
import { get } from './commands/get.ts'
import { history } from './commands/history.ts'
import { logs } from './commands/logs.ts'
import { net } from './commands/net.ts'
import { node } from './commands/node.ts'
import { rebalance } from './commands/rebalance.ts'
import { restore } from './commands/restore.ts'
import { rollout } from './commands/rollout.ts'
import { run } from './commands/run.ts'
import { scheduler } from './commands/scheduler.ts'
import { server } from './commands/server.ts'
import { service } from './commands/service.ts'
import { simulate } from './commands/simulate.ts'
import { status } from './commands/status.ts'
import { store } from './commands/store.ts'
import { up } from './commands/up.ts'
import { why } from './commands/why.ts'
import { printFailure, UsageError } from './failure.ts'

/** All commands, in the order of `optiflow --help`. */
const commands: CliCommand[] = [
  demo,
  up,
  down,
  status,
  run,
  rollout,
  apply,
  get,
  describe,
  why,
  net,
  history,
  blame,
  simulate,
  rebalance,
  logs,
  events,
  remove,
  service,
  server,
  agent,
  node,
  scheduler,
  controller,
  calico,
  backup,
  restore,
  store,
]

/** Runs one command line. @returns the exit code: 0, or 1 with the reason on standard error */
export async function runProgram(args: string[], outside: Outside): Promise<number> {
  const program = new Command('optiflow')
    .description('Runs containers on one machine or a few, with the Kubernetes API.')
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: text => outside.terminal.out(text), writeErr: text => outside.terminal.err(text) })
    .exitOverride()
  for (const command of commands) command.register(program, outside)
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (isAbort(error) && outside.signal.aborted) return 130
    if (error instanceof UsageError || error instanceof Error) printFailure(outside.terminal, error)
    else throw error
    return 1
  }
}
