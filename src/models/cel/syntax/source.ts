import { CelCompileError, type CelIssue } from '../errors.ts'

/** A fault at a place in a source text. */
export class Fault extends Error {
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** The error of some faults, shown as compilers show them: each with its line and a caret below the place. */
export function compileError(source: string, faults: readonly Fault[]): CelCompileError {
  const sorted = [...faults].sort((a, b) => a.at - b.at)
  const issues = sorted.map(fault => issueOf(source, fault))
  const lines = source.split('\n')
  // Of nothing there is nothing to show.
  const text = issues.map(issue =>
    source === ''
      ? `ERROR: <input>:1:0: ${issue.message}`
      : `ERROR: <input>:${issue.line}:${issue.column}: ${issue.message}${snippet(lines, issue)}`,
  )
  return new CelCompileError(`compilation failed: ${text.join('\n')}`, issues)
}

function issueOf(source: string, { at, message }: Fault): CelIssue {
  const before = source.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  return { message, line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 }
}

/** Wide dots and a wide caret stand below characters that are not ASCII, so that the caret stays below its character. */
function snippet(lines: string[], { line, column }: CelIssue): string {
  const text = (lines[line - 1] ?? '').replaceAll('\t', ' ')
  const characters = [...text]
  const wide = (i: number) => (characters[i]?.codePointAt(0) ?? 0) > 0x7f
  const dots = characters.slice(0, column - 1).map((_, i) => (wide(i) ? '．' : '.'))
  return `\n | ${text}\n | ${dots.join('')}${wide(column - 1) ? '＾' : '^'}`
}
