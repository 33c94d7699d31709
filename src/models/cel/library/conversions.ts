import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { durationText, parseDuration, parseTimestamp, timestampOf, timestampText } from '../values/time.ts'
import { type Duration, type Timestamp, TypeValue, typeNameOf, type Uint, type Value } from '../values/value.ts'
import { reads } from './costs.ts'
import { fn, library } from './function.ts'
import { intOf, uintOf } from './operators.ts'

const { bool, int, uint, double, string, bytes, timestamp, duration, dyn } = cel

const same = (value: Value) => value

function wrong(type: string): never {
  return fail(`type conversion error from 'string' to '${type}'`)
}

/** A double without its fraction, if an integer of 64 bits can hold it. */
function whole(value: number, from: number): bigint {
  if (!Number.isFinite(value) || value <= from || value >= 2 ** (from ? 63 : 64))
    return fail(from ? 'integer overflow' : 'unsigned integer overflow')
  return BigInt(Math.trunc(value))
}

function integer(text: string, pattern: RegExp, type: string): bigint {
  return pattern.test(text) && text.length < 40 ? BigInt(text.replace('+', '')) : wrong(type)
}

const specialNumbers: Record<string, number> = { nan: Number.NaN, inf: Infinity, infinity: Infinity }

function parseDouble(text: string): number {
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(text)
  if (special) return specialNumbers[special[2]!.toLowerCase()]! * (special[1] === '-' ? -1 : 1)
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : wrong('double')
}

const truths = new Map(['1', 't', 'T', 'true', 'TRUE', 'True'].map(text => [text, true]))
for (const text of ['0', 'f', 'F', 'false', 'FALSE', 'False']) truths.set(text, false)

/** As Go prints it: six digits before an exponent is used. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return fail('invalid UTF-8 in bytes, cannot convert to string')
  }
}

/** `int(x)`, `string(x)`, … and `type(x)`. */
export const conversions = library({
  bool: [
    fn('bool_to_bool', [bool], bool, same),
    fn('string_to_bool', [string], bool, (text: string) => truths.get(text) ?? wrong('bool')),
  ],
  int: [
    fn('int64_to_int64', [int], int, same),
    fn('uint64_to_int64', [uint], int, (value: Uint) => intOf(value.value)),
    fn('double_to_int64', [double], int, (value: number) => whole(value, -(2 ** 63))),
    fn('string_to_int64', [string], int, (text: string) => intOf(integer(text, /^[+-]?\d+$/, 'int'))),
    fn('timestamp_to_int64', [timestamp], int, (time: Timestamp) => floorDivide(time.nanos, 1_000_000_000n)),
    fn('duration_to_int64', [duration], int, (time: Duration) => time.nanos),
  ],
  uint: [
    fn('uint64_to_uint64', [uint], uint, same),
    fn('int64_to_uint64', [int], uint, uintOf),
    fn('double_to_uint64', [double], uint, (value: number) =>
      value < 0 ? fail('unsigned integer overflow') : uintOf(value === 0 ? 0n : whole(value, 0)),
    ),
    fn('string_to_uint64', [string], uint, (text: string) => uintOf(integer(text, /^\d+$/, 'uint'))),
  ],
  double: [
    fn('double_to_double', [double], double, same),
    fn('int64_to_double', [int], double, Number),
    fn('uint64_to_double', [uint], double, (value: Uint) => Number(value.value)),
    fn('string_to_double', [string], double, parseDouble),
  ],
  string: [
    fn('string_to_string', [string], string, same),
    fn('bool_to_string', [bool], string, String),
    fn('int64_to_string', [int], string, String),
    fn('uint64_to_string', [uint], string, (value: Uint) => String(value.value)),
    fn('double_to_string', [double], string, doubleText),
    fn(
      'bytes_to_string',
      [bytes],
      string,
      decode,
      reads(0, undefined, ([a]) => ({ min: Math.floor(a!.size.min / 4), max: a!.size.max })),
    ),
    fn('timestamp_to_string', [timestamp], string, timestampText),
    fn('duration_to_string', [duration], string, durationText),
  ],
  bytes: [
    fn('bytes_to_bytes', [bytes], bytes, same),
    fn(
      'string_to_bytes',
      [string],
      bytes,
      (text: string) => new TextEncoder().encode(text),
      reads(0, undefined, ([a]) => ({ min: a!.size.min, max: a!.size.max * 4 })),
    ),
  ],
  timestamp: [
    fn('timestamp_to_timestamp', [timestamp], timestamp, same),
    fn('int64_to_timestamp', [int], timestamp, (seconds: bigint) => timestampOf(seconds * 1_000_000_000n)),
    fn(
      'string_to_timestamp',
      [string],
      timestamp,
      (text: string) => parseTimestamp(text) ?? wrong('google.protobuf.Timestamp'),
    ),
  ],
  duration: [
    fn('duration_to_duration', [duration], duration, same),
    fn(
      'string_to_duration',
      [string],
      duration,
      (text: string) => parseDuration(text) ?? wrong('google.protobuf.Duration'),
    ),
  ],
  dyn: [fn('to_dyn', [cel.param('A')], dyn, same)],
  type: [fn('type', [cel.param('A')], cel.type(cel.param('A')), (value: Value) => new TypeValue(typeNameOf(value)))],
})

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}
