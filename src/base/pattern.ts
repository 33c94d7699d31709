import { RE2JS } from 're2js'

/** A regular expression of somebody else's: matching takes time linear in the text, whatever it says. */
export interface Pattern {
  /** True if it matches anywhere in the text. */
  test(text: string): boolean
}

const kept = 500
const compiled = new Map<string, Pattern>()

/**
 * A pattern in Go's (RE2's) syntax, compiled once and kept.
 * @throws Error with Go's words: "error parsing regexp: missing closing ): `(`"
 */
export function compilePattern(source: string): Pattern {
  let pattern = compiled.get(source)
  if (!pattern) {
    const regexp = RE2JS.compile(source)
    pattern = { test: text => regexp.test(text) }
    if (compiled.size >= kept) compiled.delete(compiled.keys().next().value!)
    compiled.set(source, pattern)
  }
  return pattern
}

/** What is wrong with a pattern, in Go's words; undefined if nothing is. */
export function patternProblem(source: string): string | undefined {
  try {
    compilePattern(source)
    return undefined
  } catch (error) {
    const { message } = error as Error
    // Go quotes what is wrong even when there is nothing to quote.
    return message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message
  }
}
