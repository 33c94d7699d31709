import { RE2JS } from 're2js'
import { fail } from '../errors.ts'

/** Users' patterns run in linear time: the language's own engine would let one of them stop the server. */
const kept = new Map<string, RE2JS>()
const mostKept = 500
/** Compiling takes time and memory by the length, and nested repetition multiplies it. */
const longestPattern = 10_000

/** @returns what is wrong, for a pattern that is none */
export function compilePattern(pattern: string): RE2JS | string {
  const known = kept.get(pattern)
  if (known) return known
  if (pattern.length > longestPattern) return 'error parsing regexp: expression too large'
  try {
    const compiled = RE2JS.compile(pattern)
    if (kept.size >= mostKept) kept.clear()
    kept.set(pattern, compiled)
    return compiled
  } catch (error) {
    return (error as Error).message
  }
}

function needed(pattern: string): RE2JS {
  const compiled = compilePattern(pattern)
  return typeof compiled === 'string' ? fail(compiled) : compiled
}

export const matches = (text: string, pattern: string): boolean => needed(pattern).matcher(text).find()

/** What the pattern finds, from left to right. @param limit the most that is returned; −1: all */
export function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = needed(pattern).matcher(text)
  const found: string[] = []
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}
