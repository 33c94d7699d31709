import { codeOf, explain, firstFailure, OptiFlowError } from '../base/errors.ts'
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

const unknownHere =
  'The server does not know you: your certificate or token may have ended, or be of another cluster. Look which context is used.'

/** What failed, why, and one thing to do: three lines at most. */
export function printFailure(terminal: Terminal, failure: unknown): void {
  const error = firstFailure(failure)
  const { paint } = terminal
  if (error instanceof ApiError) {
    const reason = error.reason ? ` (${error.reason})` : ''
    terminal.err(`${paint.red('Error')} from server${reason}: ${error.message}\n`)
    if (error.code === 401 || error.message.includes('User "system:anonymous"'))
      terminal.err(`${paint.dim('→')} ${unknownHere}\n`)
    return
  }
  terminal.err(`${paint.red('Error')}: ${explain(error)}\n`)
  const hint = (error instanceof OptiFlowError ? error.hint : undefined) ?? diskHint(error)
  if (hint) terminal.err(`${paint.dim('→')} ${hint}\n`)
}

/** What the system says of a disk is no error class of ours, and means the same wherever it happens. */
function diskHint(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = codeOf(e)
    const { path } = e as NodeJS.ErrnoException
    const where = path ? ` of ${path}` : ''
    if (code === 'ENOSPC' || code === 'EDQUOT') return `Make room on the disk${where}.`
    if (code === 'EROFS') return `Mount the file system${where} writable.`
  }
  return undefined
}
