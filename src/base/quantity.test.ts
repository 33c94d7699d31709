import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addQuantities,
  canonicalQuantity,
  canonicalResource,
  compareQuantities,
  formatQuantity,
  InvalidQuantity,
  isQuantity,
  isWholeQuantity,
  parseQuantity,
  quantityToMillis,
  quantityToNumber,
  subtractQuantities,
} from './quantity.ts'

describe('quantities', () => {
  test.each([
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['1Gi', '1Gi'],
    ['1024Mi', '1Gi'],
    ['1536Mi', '1536Mi'],
    ['1.5Gi', '1536Mi'],
    ['1.5Ki', '1536'],
    ['0.5Gi', '512Mi'],
    ['1025', '1025'],
    ['1000', '1k'],
    ['100000', '100k'],
    ['1e3', '1e3'],
    ['10e2', '1e3'],
    ['0.1e0', '100e-3'],
    ['1E', '1E'],
    ['1.500', '1.500'],
    ['0.1', '100m'],
    ['0', '0'],
    ['00', '0'],
    ['0Gi', '0'],
    ['-1000m', '-1'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['0.001Ki', '1024m'],
    ['16Ei', '9223372036854775807'],
    ['1.', '1.'],
    ['5Ki', '5Ki'],
    ['1000Ki', '1000Ki'],
    ['123456789123456789123', '123456789123456789123'],
  ])('%s is answered as %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical)
  })

  test.each([
    '',
    ' ',
    'x',
    '1x',
    '1 Gi',
    '1..2',
    '1.1.M',
    '1+1.0M',
    '0.1mi',
    '0.1am',
    '.5i',
    '1i',
    '1e',
    '1e99999999999',
    '--1',
    '__proto__',
    '1constructor',
    'k',
    '.',
    `1${'0'.repeat(500)}`,
  ])('%j is refused', text => {
    expect(isQuantity(text)).toBe(false)
    expect(() => parseQuantity(text)).toThrow(InvalidQuantity)
  })

  test('comparison is exact beyond 2^53 and across suffixes', () => {
    expect(compareQuantities('9007199254740993', '9007199254740992')).toBe(1)
    expect(compareQuantities('1', '1000m')).toBe(0)
    expect(compareQuantities('1Ki', '1k')).toBe(1)
  })

  test('sums keep the first format, and zero takes the other', () => {
    expect(addQuantities('1Gi', '512Mi')).toBe('1536Mi')
    expect(addQuantities('0', '1Gi')).toBe('1Gi')
    expect(subtractQuantities('1', '250m')).toBe('750m')
    expect(subtractQuantities('250m', '1')).toBe('-750m')
  })

  test('milli and whole values round away from zero', () => {
    expect(quantityToMillis('0.0001')).toBe(1)
    expect(quantityToMillis('2')).toBe(2000)
    expect(quantityToNumber('1500m')).toBe(2)
    expect(quantityToNumber('-1500m')).toBe(-2)
    expect(quantityToNumber('1Gi')).toBe(1_073_741_824)
  })

  const anyQuantity = fc
    .tuple(
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      fc.nat(9),
      fc.constantFrom('', 'm', 'k', 'Ki', 'Gi', 'e3', 'e-3', 'n', 'u', 'E'),
    )
    .map(([n, places, suffix]) => {
      const sign = n < 0n ? '-' : ''
      const digits = (n < 0n ? -n : n).toString().padStart(places + 1, '0')
      const text = places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits
      return `${sign}${text}${suffix}`
    })

  test('the canonical form means the same and is its own canonical form', () => {
    fc.assert(
      fc.property(anyQuantity, text => {
        const canonical = canonicalQuantity(text)
        const form = formatQuantity(parseQuantity(text))
        expect(compareQuantities(text, canonical)).toBe(0)
        expect(compareQuantities(text, form)).toBe(0)
        expect(canonicalQuantity(form)).toBe(form)
      }),
    )
  })

  test('adding and taking away the same is nothing', () => {
    fc.assert(
      fc.property(anyQuantity, anyQuantity, (a, b) => {
        const sum = addQuantities(a, b)
        // A sum of binary form ends at ±(2^63 - 1), as Kubernetes' does.
        fc.pre(compareQuantities(sum, '9E') < 0 && compareQuantities(sum, '-9E') > 0)
        expect(compareQuantities(subtractQuantities(sum, b), a)).toBe(0)
      }),
      { examples: [['1Ki', '-10E']] },
    )
  })
})

test.each([
  ['100u', '1m'],
  ['1n', '1m'],
  ['-1n', '-1m'],
  ['1.0001Ki', '1024103m'],
  ['2.5e-3', '3e-3'],
  ['1.5', '1500m'],
  ['1Gi', '1Gi'],
  ['0.0001Gi', '107374183m'],
])('of resources, %s is %s', (text, canonical) => {
  expect(canonicalResource(text)).toBe(canonical)
})

test.each([
  ['1', true],
  ['1500m', false],
  ['1E', true],
  ['1Ei', false],
  ['1Pi', true],
  ['99999999999999999999', false],
])('%s whole: %s', (text, whole) => {
  expect(isWholeQuantity(text)).toBe(whole)
})
