import { explain, firstFailure, OptiFlowError } from '../base/errors.ts'
import { ApiError } from '../models/api-error.ts'
import type { Terminal } from './terminal.ts'

/** The command line itself is wrong: exit code 1, as kubectl's. */
export class UsageError extends OptiFlowError {}

/** A program in a container did not succeed; its exit code becomes ours, as kubectl's does. */
export class ProgramFailed extends OptiFlowError {
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`command terminated with exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** What failed, why, and one thing to do: three lines at most. */
export function printFailure(terminal: Terminal, failure: unknown): void {
  const error = firstFailure(failure)
  const { paint } = terminal
  if (error instanceof ApiError) {
    const reason = error.reason ? ` (${error.reason})` : ''
    terminal.err(`${paint.red('Error')} from server${reason}: ${error.message}\n`)
    return
  }
  terminal.err(`${paint.red('Error')}: ${explain(error)}\n`)
  const hint = error instanceof OptiFlowError ? error.hint : undefined
  if (hint) terminal.err(`${paint.dim('→')} ${hint}\n`)
}
