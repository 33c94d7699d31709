import { fail } from '../errors.ts'
import { durationText, timestampText } from '../values/time.ts'
import { Duration, List, Mapping, Timestamp, TypeValue, typeNameOf, Uint, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'

/** `"%s is %d".format([…])`: %s, %d, %f, %e, %b, %o, %x, %X and %%, with a precision as in `%.2f`. */
export const formatText = (pattern: string, args: List): string => formatted(pattern, args, scientific)

/** The same in the words of the language's specification, which writes exponents as programs do. */
export const formatPlainText = (pattern: string, args: List): string => formatted(pattern, args, exponent)

function formatted(pattern: string, args: List, e: Exponent): string {
  let next = 0
  const result = pattern.replace(
    /%(%|$|(?:\.(\d*))?(.))/gsu,
    (_, whole: string, precision?: string, clause?: string) => {
      if (whole === '%') return '%'
      if (whole === '') return fail('unexpected end of string')
      if (next >= args.size) return fail(`index ${next} out of range`)
      return clauseText(clause!, precision === undefined ? undefined : Number(precision), args.at(next++), e)
    },
  )
  work(result.length / 10)
  return result
}

function clauseText(clause: string, precision: number | undefined, value: Value, e: Exponent): string {
  if (precision !== undefined && precision > 100)
    return fail(`precision ${precision} exceeds maximum allowed precision 100`)
  const text = (clause === 'e' ? digits(e) : clauses[clause])?.(value, precision ?? 6)
  if (!(clause in clauses)) return fail(`could not parse formatting clause: unrecognized formatting clause "${clause}"`)
  return text ?? fail(`error during formatting: ${wanted[clause]}, was given ${typeNameOf(value)}`)
}

const wanted: Record<string, string> = {
  s: 'string clause cannot be used on this type',
  d: 'decimal clause can only be used on integers and doubles',
  f: 'fixed-point clause can only be used on doubles and integers',
  e: 'scientific clause can only be used on doubles and integers',
  b: 'only integers and bools can be formatted as binary',
  o: 'octal clause can only be used on integers',
  x: 'only integers, byte buffers, and strings can be formatted as hex',
  X: 'only integers, byte buffers, and strings can be formatted as hex',
}

type Clause = (value: Value, precision: number) => string | undefined

const integerOf = (value: Value): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof Uint ? value.value : undefined

const infinite = (value: number): string | undefined => {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? undefined : value > 0 ? 'Infinity' : '-Infinity'
}

const numberOf = (value: Value): number | undefined => {
  const integer = integerOf(value)
  return integer === undefined ? (typeof value === 'number' ? value : undefined) : Number(integer)
}

const digits =
  (write: (value: number, precision: number) => string): Clause =>
  (value, precision) => {
    const number = numberOf(value)
    return number === undefined ? undefined : (infinite(number) ?? write(number, precision))
  }

function decimal(value: Value): string | undefined {
  const integer = integerOf(value)
  if (integer !== undefined) return String(integer)
  return typeof value === 'number' ? (infinite(value) ?? plainDouble(value)) : undefined
}

type Exponent = (value: number, precision: number) => string

const exponent: Exponent = (value, precision) => value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2')

const raised: Record<string, string> = { '-': '⁻', '+': '' }
for (const [i, digit] of [...'⁰¹²³⁴⁵⁶⁷⁸⁹'].entries()) raised[i] = digit

/** As Kubernetes' engine prints it: `3.140000×10⁰⁰`. */
function scientific(value: number, precision: number): string {
  const [mantissa, power] = exponent(value, precision).split('e') as [string, string]
  return `${mantissa}×10${Array.from(power, digit => raised[digit]).join('')}`
}

const hex = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')

function hexadecimal(value: Value): string | undefined {
  if (typeof value === 'string') return hex(new TextEncoder().encode(value))
  return value instanceof Uint8Array ? hex(value) : integerOf(value)?.toString(16)
}

const clauses: Record<string, Clause> = {
  s: plain,
  d: decimal,
  f: digits((value, precision) => fixed(value, precision)),
  e: digits(exponent),
  b: value => (typeof value === 'boolean' ? (value ? '1' : '0') : integerOf(value)?.toString(2)),
  o: value => integerOf(value)?.toString(8),
  x: hexadecimal,
  X: value => hexadecimal(value)?.toUpperCase(),
}

/** Half to even, as other engines round: the language's own rounds a half away from zero. */
function fixed(value: number, precision: number): string {
  const exact = value.toFixed(Math.min(precision + 30, 100))
  const cut = exact.length - Math.min(30, 100 - precision)
  const below = exact.slice(0, precision === 0 ? cut - 1 : cut)
  const tie = /^50*$/.test(exact.slice(cut)) && /[02468]$/.test(below)
  const text = tie ? below : value.toFixed(precision)
  return Object.is(value, -0) ? `-${text}` : text
}

/** All digits, never an exponent. */
function plainDouble(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return Object.is(value, -0) ? '-0' : text
  const [mantissa, power] = text.split('e') as [string, string]
  const sign = mantissa.startsWith('-') ? '-' : ''
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?]
  const shift = Number(power)
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`
  return `${sign}${whole}${fraction.padEnd(shift, '0')}`
}

/** A value as `%s` shows it; keys of maps are sorted. */
function plain(value: Value): string | undefined {
  work(1)
  if (value === null) return 'null'
  if (typeof value === 'number') return decimal(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (value instanceof Timestamp) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof List) return `[${[...value].map(must).join(', ')}]`
  if (!(value instanceof Mapping)) return undefined
  const entries = [...value.keys()].map(key => `${must(key)}: ${must(value.find(key)!)}`)
  return `{${entries.sort().join(', ')}}`
}

const must = (value: Value): string =>
  plain(value) ?? fail(`error during formatting: ${wanted['s']}, was given ${typeNameOf(value)}`)
