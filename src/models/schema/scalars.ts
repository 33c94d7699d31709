import { canonicalQuantity } from '../../base/quantity.ts'
import type { ScalarName } from './data.ts'
import { type DecodeContext, DecodeError } from './decode-context.ts'

/** Checks and normalises one value; `struct` names the object type around it, for messages. */
export type ScalarDecoder = (value: unknown, context: DecodeContext, struct: string) => unknown

const maxInt32 = 2 ** 31 - 1
const minInt32 = -(2 ** 31)
const maxInt64 = 2n ** 63n - 1n
const minInt64 = -(2n ** 63n)

const goNames: Partial<Record<ScalarName, string>> = { double: 'float64', bytes: '[]uint8', duration: 'string' }
export const goNameOf = (scalar: ScalarName): string => goNames[scalar] ?? scalar

function string(value: unknown, context: DecodeContext, struct: string): string {
  if (typeof value !== 'string') throw context.wrongType(value, struct, 'string')
  return value
}

/** Exact: a bigint where a number would not be. */
function int64(value: unknown, context: DecodeContext, struct: string): number | bigint {
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (Number.isSafeInteger(value)) return value
    const exact = BigInt(value)
    if (exact <= maxInt64 && exact >= minInt64) return exact
    // Rounded up to 2^63 by a parser that knows doubles only: the greatest int64 was meant.
    if (exact === maxInt64 + 1n) return maxInt64
  }
  if (typeof value === 'bigint' && value <= maxInt64 && value >= minInt64) {
    const near = Number(value)
    return Number.isSafeInteger(near) ? near : value
  }
  throw context.wrongType(value, struct, 'int64')
}

const notAQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

const plainTime = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/
const anyTime =
  /^(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,](\d{1,9})\d*)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** RFC 3339, in UTC with whole seconds, as Kubernetes answers it. */
function time(value: unknown, context: DecodeContext, struct: string): string {
  const text = string(value, context, struct)
  return plainTime.test(text) && isDay(text) ? text : `${instant(text).seconds}Z`
}

/** RFC 3339 in UTC with exactly six decimals, which is all that Kubernetes reads. */
function microTime(value: unknown, context: DecodeContext, struct: string): string {
  const text = string(value, context, struct)
  const layout = '.000000Z07:00'
  const { seconds, fraction } = instant(text, layout)
  const rest = text.slice(seconds.length)
  if (!/^[.,]\d{6}(Z|[+-])/.test(rest)) {
    const [bad, as] = /^[.,]\d{6}/.test(rest) ? [rest.slice(7), 'Z07:00'] : [rest, '.000000']
    throw new DecodeError(
      `parsing time ${JSON.stringify(text)} as ${JSON.stringify(`${dayAndTime}${layout}`)}: cannot parse ${JSON.stringify(bad)} as "${as}"`,
    )
  }
  return `${seconds}.${fraction}Z`
}

/** How Go writes the day and the time of a layout. */
const dayAndTime = '2006-01-02T15:04:05'

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** True if the text begins with a day that is in the calendar. */
function isDay(text: string): boolean {
  const year = Number(text.slice(0, 4))
  const month = Number(text.slice(5, 7))
  const day = Number(text.slice(8, 10))
  if (day < 1 || day > (daysInMonth[month - 1] ?? 0)) return false
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))
}

function instant(text: string, layout = 'Z07:00'): { seconds: string; fraction: string } {
  const found = anyTime.exec(text)
  if (!found || !isDay(text))
    throw new DecodeError(
      `parsing time ${JSON.stringify(text)} as ${JSON.stringify(`${dayAndTime}${layout}`)}: cannot parse ${JSON.stringify(text)} as "2006"`,
    )
  const seconds = found[3] === 'Z' ? found[1]! : new Date(`${found[1]}${found[3]}`).toISOString().slice(0, 19)
  return { seconds, fraction: found[2] ?? '' }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function bytes(value: unknown, context: DecodeContext, struct: string): string {
  const given = string(value, context, struct)
  const text = given.includes('\n') || given.includes('\r') ? given.replace(/[\r\n]/g, '') : given
  if (text.length % 4 !== 0 || !base64.test(text)) {
    const bad = text.search(/[^A-Za-z0-9+/]/)
    throw new DecodeError(`illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`)
  }
  return text
}

/** What decodes each scalar but those that contain object types. */
export const scalarDecoders: Partial<Record<ScalarName, ScalarDecoder>> = {
  string,
  duration: string,
  bool(value, context, struct) {
    if (typeof value !== 'boolean') throw context.wrongType(value, struct, 'bool')
    return value
  },
  int32(value, context, struct) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value > maxInt32 || value < minInt32)
      throw context.wrongType(value, struct, 'int32')
    return value
  },
  int64,
  double(value, context, struct) {
    if (typeof value === 'bigint') return Number(value)
    if (typeof value !== 'number') throw context.wrongType(value, struct, 'float64')
    return value
  },
  quantity(value) {
    if (typeof value === 'string') return canonicalQuantity(value.trim())
    if (typeof value === 'number' || typeof value === 'bigint') return canonicalQuantity(String(value))
    if (typeof value === 'boolean') return canonicalQuantity(String(value))
    // Go hands the whole text of the value to the parser of quantities.
    throw new DecodeError(notAQuantity)
  },
  intOrString(value, context, struct) {
    if (typeof value === 'string') return value
    if (typeof value !== 'number' || !Number.isInteger(value) || value > maxInt32 || value < minInt32)
      throw context.wrongType(value, struct, 'int32')
    return value
  },
  time,
  microTime,
  bytes,
  any: value => value,
}
