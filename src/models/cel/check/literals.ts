import { compilePattern } from '../library/regex-engine.ts'
import type { Expr, Literal } from '../syntax/ast.ts'
import { Fault } from '../syntax/source.ts'
import { parseDuration, parseTimestamp, timestampOf } from '../values/time.ts'
import type { Checked } from './checker.ts'

/** Which argument of which function is of a certain form. */
const checks: Record<string, { argument: number; valid: (value: Literal) => boolean }> = {
  duration: { argument: 0, valid: value => typeof value !== 'string' || parseDuration(value) !== undefined },
  timestamp: { argument: 0, valid: isTimestamp },
  matches: { argument: 1, valid: value => typeof value !== 'string' || typeof compilePattern(value) !== 'string' },
}

function isTimestamp(value: Literal): boolean {
  if (typeof value === 'string') return parseTimestamp(value) !== undefined
  if (typeof value !== 'bigint') return true
  try {
    return timestampOf(value * 1_000_000_000n) !== undefined
  } catch {
    return false
  }
}

/** Literals that can only fail when they run are refused before. */
export function checkLiterals(calls: Checked['calls']): Fault[] {
  return [...calls.values()].flatMap(({ name, args }) => {
    const check = Object.hasOwn(checks, name) ? checks[name]! : undefined
    const literal: Expr | undefined = check && args[check.argument]
    if (!check || literal?.kind !== 'literal' || check.valid(literal.value)) return []
    return [new Fault(literal.at, `invalid ${name} argument`)]
  })
}

/** What is wrong with the first pattern of a search that is none, or undefined. */
export function badSearch(calls: Checked['calls']): string | undefined {
  for (const { name, args } of calls.values()) {
    const pattern = name === 'find' || name === 'findAll' ? args[1] : undefined
    if (pattern?.kind !== 'literal' || typeof pattern.value !== 'string') continue
    const compiled = compilePattern(pattern.value)
    if (typeof compiled === 'string') return compiled
  }
  return undefined
}
