import { OptiFlowError } from './errors.ts'

/** How an amount was written, and so how it is printed. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** An exact resource amount, in billionths: `1500m` is 1_500_000_000n. Never rounded but up to the next billionth. */
export interface Amount {
  nano: bigint
  format: QuantityFormat
}

/** A text that is no quantity; the message is Kubernetes' own, without the text. */
export class InvalidQuantity extends OptiFlowError {
  readonly text: string
  constructor(text: string, message: string) {
    super(message, { hint: 'Write a number with an optional suffix, such as 500m, 2, 1.5Gi or 2e3.' })
    this.text = text
  }
}

const form = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/
const wrongForm = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const decimalExponents: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const binaryExponents: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]))
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const nanosPerUnit = 1_000_000_000n
const nanosPerMilli = 1_000_000n
const maxBinary = (2n ** 63n - 1n) * nanosPerUnit
/** More digits or a larger exponent than this is refused: nobody has 10^200 of anything, and exact arithmetic on it is a denial of service. */
const maxDigits = 200

interface Parts {
  negative: boolean
  whole: string
  fraction: string
  base: 2 | 10
  exponent: number
  format: QuantityFormat
}

function split(text: string): Parts {
  const found = text.length <= 2 * maxDigits ? form.exec(text) : null
  const whole = found?.[2] ?? ''
  const fraction = found?.[3] ?? ''
  if (!found || (whole === '' && fraction === '')) throw new InvalidQuantity(text, wrongForm)
  const suffix = found[4]!
  const parts = { negative: found[1] === '-', whole: whole.replace(/^0+(?=\d)/, ''), fraction }
  const decimal = Object.hasOwn(decimalExponents, suffix) ? decimalExponents[suffix] : undefined
  if (decimal !== undefined) return { ...parts, base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = Object.hasOwn(binaryExponents, suffix) ? binaryExponents[suffix] : undefined
  if (binary !== undefined) return { ...parts, base: 2, exponent: binary, format: 'BinarySI' }
  if (/^[eE][-+]?\d+$/.test(suffix)) {
    const exponent = Number(suffix.slice(1))
    if (Math.abs(exponent) <= maxDigits) return { ...parts, base: 10, exponent, format: 'DecimalExponent' }
  }
  throw new InvalidQuantity(text, "unable to parse quantity's suffix")
}

function amountOf({ negative, whole, fraction, base, exponent, format }: Parts): Amount {
  let digits = BigInt(whole + fraction)
  let scale = 9 - fraction.length
  if (base === 2) digits <<= BigInt(exponent)
  else scale += exponent
  let nano: bigint
  if (scale >= 0) nano = digits * 10n ** BigInt(scale)
  else {
    const divisor = 10n ** BigInt(-scale)
    nano = (digits + divisor - 1n) / divisor
  }
  if (format === 'BinarySI') {
    if (nano > maxBinary) nano = maxBinary
    if (nano > 0n && nano < nanosPerUnit) format = 'DecimalSI'
  }
  return { nano: negative ? -nano : nano, format }
}

const remembered = new Map<string, Amount>()
const mostRemembered = 4096

/**
 * The amount a text stands for, as Kubernetes reads it: decimal (`n u m k M G T P E`) and binary (`Ki` … `Ei`) suffixes,
 * or a decimal exponent. Anything finer than a billionth is rounded away from zero.
 * @throws InvalidQuantity
 */
export function parseQuantity(text: string): Amount {
  const known = remembered.get(text)
  if (known) return known
  const amount = Object.freeze(amountOf(split(text)))
  if (remembered.size >= mostRemembered) remembered.clear()
  remembered.set(text, amount)
  return amount
}

/** True for a text that `parseQuantity` takes. */
export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text)
    return true
  } catch {
    return false
  }
}

/** The canonical text: the largest suffix that needs no fraction. `1000m` is `1`, 1536 Mi stays `1536Mi`, `0.5` is `500m`. */
export function formatQuantity({ nano, format }: Amount): string {
  if (nano === 0n) return '0'
  const size = nano < 0n ? -nano : nano
  if (format === 'BinarySI' && size >= 1024n * nanosPerUnit && nano % nanosPerUnit === 0n) {
    let units = nano / nanosPerUnit
    let step = 0
    for (; step < 6 && units % 1024n === 0n; step++) units /= 1024n
    return `${units}${binarySuffixes[step]}`
  }
  let digits = nano
  let exponent = -9
  while (digits % 1000n === 0n && (format === 'DecimalExponent' || exponent < 18)) {
    digits /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${digits}` : `${digits}e${exponent}`
  return `${digits}${decimalSuffixes.get(exponent)}`
}

/**
 * The text that the API answers with for a text that it was sent. Mostly the canonical form; a text that is already close
 * to it (`1.500`, `+5`) is kept as sent, as Kubernetes does.
 * @throws InvalidQuantity
 */
export function canonicalQuantity(text: string): string {
  if (simple.test(text)) return text
  let canonical = canonicalTexts.get(text)
  if (canonical === undefined) {
    canonical = makeCanonical(text)
    if (canonicalTexts.size >= mostRemembered) canonicalTexts.clear()
    canonicalTexts.set(text, canonical)
  }
  return canonical
}

/**
 * The text of an amount in a list of resources, which has no part finer than a thousandth: `1u` is `1m`. Rounded away from
 * zero, as Kubernetes does.
 * @throws InvalidQuantity
 */
export function canonicalResource(text: string): string {
  const canonical = canonicalQuantity(text)
  if (simple.test(canonical)) return canonical
  const { nano, format } = parseQuantity(canonical)
  if (nano % nanosPerMilli === 0n) return canonical
  const up = nano < 0n ? -1n : 1n
  return formatQuantity({ nano: (nano / nanosPerMilli + up) * nanosPerMilli, format })
}

/**
 * True for whole amounts. Of an amount of many digits Kubernetes asks in thousandths of 64 bits, in which what is beyond
 * 2^63 wraps: it says of `1Ei` that it is no integer, and so do we.
 * @throws InvalidQuantity
 */
export function isWholeQuantity(text: string): boolean {
  const { nano } = parseQuantity(text)
  if (nano % nanosPerUnit !== 0n) return false
  return isShort(split(text)) || BigInt.asIntN(64, nano / nanosPerMilli) % 1000n === 0n
}

const canonicalTexts = new Map<string, string>()

function makeCanonical(text: string): string {
  const parts = split(text)
  const { fraction, format, exponent } = parts
  if (isShort(parts)) {
    const digits = digitsOf(parts)
    const scale = exponent - fraction.length
    if (format === 'BinarySI') {
      if ((Number(digits) & 7) !== 0) return text
    } else if (scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')) return text
  }
  return formatQuantity(amountOf(parts))
}

const digitsOf = ({ whole, fraction }: Parts): string => (whole === '' ? '0' : whole) + fraction

/** What Kubernetes reads into 64 bits and a scale; of more digits it makes a number of any length. */
function isShort(parts: Parts): boolean {
  const { fraction, format, exponent } = parts
  const { length } = digitsOf(parts)
  if (format !== 'BinarySI') return length <= 18 && exponent - fraction.length >= -9
  return fraction === '' && 15 - length - Math.trunc((exponent * 3) / 10) - 1 >= 0
}

/** Texts that are canonical at a glance: up to three digits, not zero, with a suffix or none. */
const simple = /^[1-9]\d{0,2}(?:m|k|M|G|T)?$/

/** Negative, 0 or positive, as `a` is less than, equal to or more than `b`: `1` equals `1000m`. @throws InvalidQuantity */
export function compareQuantities(a: string, b: string): number {
  if (a === b) return 0
  const left = parseQuantity(a).nano
  const right = parseQuantity(b).nano
  return left < right ? -1 : left > right ? 1 : 0
}

/** a + b, printed in the format of `a` unless that is zero. @throws InvalidQuantity */
export function addQuantities(a: string, b: string): string {
  return combine(parseQuantity(a), parseQuantity(b), 1n)
}

/** a − b, printed in the format of `a` unless that is zero. @throws InvalidQuantity */
export function subtractQuantities(a: string, b: string): string {
  return combine(parseQuantity(a), parseQuantity(b), -1n)
}

function combine(a: Amount, b: Amount, sign: bigint): string {
  return formatQuantity({ nano: a.nano + sign * b.nano, format: a.nano === 0n ? b.format : a.format })
}

/** Thousandths, rounded away from zero: the unit of CPU accounting. Inexact beyond 2^53. @throws InvalidQuantity */
export function quantityToMillis(text: string): number {
  return Number(roundAway(parseQuantity(text).nano, 1_000_000n))
}

/** Whole units, rounded away from zero: bytes, counts. Inexact beyond 2^53. @throws InvalidQuantity */
export function quantityToNumber(text: string): number {
  return Number(roundAway(parseQuantity(text).nano, nanosPerUnit))
}

/** The nearest double, fractions included. @throws InvalidQuantity */
export function quantityToFloat(text: string): number {
  const { nano } = parseQuantity(text)
  return Number(nano / nanosPerUnit) + Number(nano % nanosPerUnit) / 1e9
}

function roundAway(nano: bigint, unit: bigint): bigint {
  const quotient = nano / unit
  if (quotient * unit === nano) return quotient
  return nano < 0n ? quotient - 1n : quotient + 1n
}

/** Thousandths as text: 1500 is `1500m`, 2000 is `2`. @param millis an integer */
export function quantityOfMillis(millis: number): string {
  return formatQuantity({ nano: BigInt(millis) * 1_000_000n, format: 'DecimalSI' })
}

/** Units as text. @param units an integer */
export function quantityOf(units: number, format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ nano: BigInt(units) * nanosPerUnit, format })
}
