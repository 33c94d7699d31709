import { type Argument, Command, CommanderError } from 'commander'
import { isAbort } from '../base/errors.ts'
import { version } from '../main/version.ts'
import type { CliCommand, Outside } from './command.ts'
import { ProgramFailed, printFailure, UsageError } from './failure.ts'
import { moveLeadingFlags } from './leading-flags.ts'

/** Runs one command line. @returns the exit code: 0, that of a program run in a container, or 1 with the reason on standard error */
export async function runProgram(args: string[], outside: Outside, commands: readonly CliCommand[]): Promise<number> {
  const program = new Command('optiflow')
    .description('Runs containers on one machine or a few, with the Kubernetes API.')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('→ See "optiflow --help".')
    .configureOutput({
      writeOut: text => outside.terminal.out(text),
      writeErr: text => outside.terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error/, outside.terminal.paint.red('Error'))),
    })
    .configureHelp({ subcommandTerm: termOf })
    .exitOverride()
  for (const command of commands) command.register(program, outside)
  for (const command of program.commands) inherit(program, command)
  try {
    await program.parseAsync(moveLeadingFlags(args, program), { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof ProgramFailed) return failedLike(outside, error)
    if (isAbort(error) && outside.signal.aborted) return 130
    if (error instanceof UsageError || error instanceof Error) printFailure(outside.terminal, error)
    else throw error
    return 1
  }
}

/** A command in the list of them. That it has options goes without saying, and would leave its description no room on 80 columns. */
const termOf = (command: Command) => [command.name(), ...command.registeredArguments.map(argumentText)].join(' ')

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

/** A command line that is wrong is told with where to read what is right, as every failure with one thing to do. */
function inherit(from: Command, command: Command, words = `optiflow ${command.name()}`): void {
  command.exitOverride().copyInheritedSettings(from).showHelpAfterError(`→ See "${words} --help".`)
  for (const below of command.commands) inherit(command, below, `${words} ${below.name()}`)
}

function failedLike({ terminal }: Outside, { exitCode, message }: ProgramFailed): number {
  terminal.err(`${message}\n`)
  return exitCode
}
