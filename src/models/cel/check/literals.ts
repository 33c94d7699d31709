import { compilePattern } from '../library/regex-engine.ts'
import type { Expr } from '../syntax/ast.ts'
import { Fault } from '../syntax/source.ts'
import { parseDuration, parseTimestamp } from '../values/time.ts'
import type { Checked } from './checker.ts'

/** Which argument of which function is a text of a certain form. */
const checks: Record<string, { argument: number; valid: (text: string) => boolean }> = {
  duration: { argument: 0, valid: text => parseDuration(text) !== undefined },
  timestamp: { argument: 0, valid: text => parseTimestamp(text) !== undefined },
  matches: { argument: 1, valid: text => compilePattern(text) !== undefined },
}

/** Literals that can only fail when they run are refused before. */
export function checkLiterals(calls: Checked['calls']): Fault[] {
  return [...calls.values()].flatMap(({ name, args }) => {
    const check = Object.hasOwn(checks, name) ? checks[name]! : undefined
    const literal: Expr | undefined = check && args[check.argument]
    if (!check || literal?.kind !== 'literal' || typeof literal.value !== 'string' || check.valid(literal.value))
      return []
    return [new Fault(literal.at, `invalid ${name} argument`)]
  })
}
