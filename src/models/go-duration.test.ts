import { expect, test } from 'vitest'
import { parseGoDuration } from './go-duration.ts'

test.each([
  ['32s', 32_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['250ms', 250],
  ['0', 0],
  ['-5s', -5_000],
  ['', undefined],
  ['5', undefined],
  ['5s!', undefined],
  ['forever', undefined],
])('%j is %j milliseconds', (text, ms) => expect(parseGoDuration(text)).toBe(ms))
