import { fail } from '../errors.ts'
import { Duration, Timestamp } from './value.ts'

const second = 1_000_000_000n
export const maxInt = 2n ** 63n - 1n
export const leastInstant = -62_135_596_800n * second
const greatestInstant = 253_402_300_800n * second - 1n

export function timestampOf(nanos: bigint, offsetMinutes = 0): Timestamp {
  if (nanos < leastInstant || nanos > greatestInstant) fail('timestamp overflow')
  return new Timestamp(nanos, offsetMinutes)
}

export function durationOf(nanos: bigint): Duration {
  if (nanos > maxInt || nanos < -maxInt - 1n) fail('duration overflow')
  return new Duration(nanos)
}

const instant = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|z|[+-]\d\d:\d\d)$/

/** An RFC 3339 text; a day alone is its midnight in UTC. @returns undefined for what is none */
export function parseTimestamp(text: string): Timestamp | undefined {
  const found = instant.exec(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
  if (!found) return undefined
  const [year, month, day, hour, minute, seconds] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || seconds > 59)
    return undefined
  const offset = offsetMinutes(found[8]!.toUpperCase() === 'Z' ? '+00:00' : found[8]!)
  if (offset === undefined) return undefined
  const whole = BigInt(date.getTime() / 1000 + hour * 3600 + minute * 60 + seconds - offset * 60)
  const nanos = whole * second + BigInt((found[7] ?? '').padEnd(9, '0').slice(0, 9))
  return nanos < leastInstant || nanos > greatestInstant ? undefined : new Timestamp(nanos, offset)
}

/** In the time zone in which it was written. */
export function timestampText({ nanos, offsetMinutes: offset }: Timestamp): string {
  const rest = ((nanos % second) + second) % second
  const date = new Date(Number((nanos - rest) / 1_000_000n) + offset * 60_000)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const whole = `${year}-${date.toISOString().slice(-19, -5)}`
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
  return `${whole}${fraction}${offset === 0 ? 'Z' : offsetText(offset)}`
}

function offsetText(minutes: number): string {
  const digits = (part: number) => String(Math.floor(part)).padStart(2, '0')
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${digits(size / 60)}:${digits(size % 60)}`
}

const units: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3_600n * second,
}

/** Go's form: `1h30m`, `-1.5s`, `0`. @returns undefined for what is none */
export function parseDuration(text: string): Duration | undefined {
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  const body = text.slice(sign.length)
  if (body === '0') return new Duration(0n)
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(body)) return undefined
  let nanos = 0n
  for (const [, whole = '', fraction = '', unit] of body.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g,
  )) {
    const scale = units[unit!]!
    nanos += BigInt(whole || '0') * scale
    if (fraction) nanos += (BigInt(fraction.slice(0, 18)) * scale) / 10n ** BigInt(Math.min(fraction.length, 18))
  }
  if (sign === '-') nanos = -nanos
  return nanos > maxInt || nanos < -maxInt - 1n ? undefined : new Duration(nanos)
}

/** Seconds with a fraction: `1.5s`. */
export function durationText({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos
  const fraction =
    size % second === 0n
      ? ''
      : `.${String(size % second)
          .padStart(9, '0')
          .replace(/0+$/, '')}`
  return `${nanos < 0n ? '-' : ''}${size / second}${fraction}s`
}

export interface CalendarTime {
  year: number
  /** From 0. */
  month: number
  /** From 1. */
  day: number
  /** From 0, Sunday. */
  weekDay: number
  /** From 0. */
  yearDay: number
  hour: number
  minute: number
  second: number
  millisecond: number
}

/** What clocks and calendars show. @param zone `UTC`, `+05:30`, or a name such as `America/New_York` */
export function calendar({ nanos }: Timestamp, zone: string): CalendarTime {
  const millis = Number((nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n)
  const offset = zone === 'UTC' || zone === '' ? 0 : offsetMinutes(zone)
  const shifted = offset === undefined ? inNamedZone(millis, zone) : new Date(millis + offset * 60_000)
  const year = shifted.getUTCFullYear()
  const newYear = new Date(0)
  newYear.setUTCFullYear(year, 0, 1)
  return {
    year,
    month: shifted.getUTCMonth(),
    day: shifted.getUTCDate(),
    weekDay: shifted.getUTCDay(),
    yearDay: Math.floor((shifted.getTime() - newYear.getTime()) / 86_400_000),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    millisecond: shifted.getUTCMilliseconds(),
  }
}

function offsetMinutes(zone: string): number | undefined {
  const found = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (!found || Number(found[2]) > 23 || Number(found[3]) > 59) return undefined
  const minutes = Number(found[2]) * 60 + Number(found[3])
  return found[1] === '-' ? -minutes : minutes
}

/** An instant whose UTC fields are those that clocks in the zone show. */
function inNamedZone(millis: number, zone: string): Date {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    const parts = new Map(format.formatToParts(millis).map(part => [part.type, part.value]))
    const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
    const shown = new Date(0)
    const year = parts.get('era')?.startsWith('B') ? 1 - number('year') : number('year')
    shown.setUTCFullYear(year, number('month') - 1, number('day'))
    shown.setUTCHours(number('hour'), number('minute'), number('second'), ((millis % 1000) + 1000) % 1000)
    return shown
  } catch {
    return fail(`unknown time zone ${zone}`)
  }
}
