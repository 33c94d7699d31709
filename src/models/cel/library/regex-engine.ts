import { RE2JS } from 're2js'
import { fail } from '../errors.ts'
import { work } from '../values/work.ts'

/** Users' patterns run in linear time: the language's own engine would let one of them stop the server. */
const kept = new Map<string, RE2JS>()
const mostKept = 500
/** Compiling takes time and memory by the length, and by how often parts are repeated: at this size some 100 ms. */
const longestPattern = 10_000
const mostRepetition = 300_000
/** What is larger is not kept: five hundred of them would take more memory than is right. */
const mostKeptRepetition = 20_000

/** How often parts are repeated by count. */
function repeats(pattern: string): number {
  let counts = 0
  for (const [, low, high] of pattern.matchAll(/\{(\d+),?(\d*)\}/g)) counts += Number(high || low)
  return counts
}

/** @returns what is wrong, for a pattern that is none */
export function compilePattern(pattern: string): RE2JS | string {
  const known = kept.get(pattern)
  if (known) return known
  // Each count may repeat the whole.
  const size = repeats(pattern) * pattern.length
  if (pattern.length > longestPattern || size > mostRepetition) return 'error parsing regexp: expression too large'
  try {
    const compiled = RE2JS.compile(pattern)
    if (size > mostKeptRepetition) return compiled
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

/** Linear time is the text's length times the program's: costs count the pattern as it is written, not what it repeats. */
function search(text: string, pattern: string) {
  work((text.length * (pattern.length + repeats(pattern))) / 8)
  return needed(pattern).matcher(text)
}

/** @throws CelCostExceeded */
export const matches = (text: string, pattern: string): boolean => search(text, pattern).find()

/** What the pattern finds, from left to right. @param limit the most that is returned; −1: all. @throws CelCostExceeded */
export function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = search(text, pattern)
  const found: string[] = []
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}
