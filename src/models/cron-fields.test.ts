import { expect, it } from 'vitest'
import { plainCron } from './cron-fields.ts'

it.each([
  ['*/15 0 1,15 * 1-5', '0,15,30,45 0 1,15 * 1,2,3,4,5'],
  ['50/4 20-23/2 ? jan,DEC Sun', '50,54,58 20,22 * 1,12 0'],
  ['5,* */1 */40 * 3-6/10', '* * 1 * 3'],
])('%s is read as %s', (text, expected) => {
  expect(plainCron(text)).toBe(expected)
})

it.each([
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['* * L * *', 'failed to parse day of month from L'],
])('%s is refused: %s', (text, message) => {
  expect(() => plainCron(text)).toThrow(new RangeError(message))
})
