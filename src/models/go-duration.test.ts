import { expect, test } from 'vitest'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'

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

test.each([
  [0, '0s'],
  [950, '950ms'],
  [15_020, '15.02s'],
  [60_000, '1m0s'],
  [7_205_000, '2h0m5s'],
])('%j milliseconds are written %j', (ms, text) => expect(formatGoDuration(ms)).toBe(text))
