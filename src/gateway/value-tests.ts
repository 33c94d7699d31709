import { compilePattern } from '../base/pattern.ts'

/** Matches the whole text, in RE2's syntax. @throws Error with Go's words */
export function patternTest(source: string): (text: string) => boolean {
  const pattern = compilePattern(`^(?:${source})$`)
  return text => pattern.test(text)
}
