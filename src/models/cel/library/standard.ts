import { type CelType, cel } from '../types.ts'
import { type CalendarTime, calendar } from '../values/time.ts'
import { type Duration, sizeOf, type Timestamp, type Value } from '../values/value.ts'
import { perCharacter, product, reads, searches, times } from './costs.ts'
import { fn, library, method, type Overload } from './function.ts'
import { matches } from './regex-engine.ts'

const { bool, int, string, bytes, timestamp, duration } = cel
const sized: [string, CelType][] = [
  ['string', string],
  ['bytes', bytes],
  ['list', cel.list(cel.param('A'))],
  ['map', cel.map(cel.param('A'), cel.param('B'))],
]

const size = (value: Value) => BigInt(sizeOf(value))

/** No more is read than the text that is looked for. */
const prefix = reads(1)

const contains: Pick<Overload, 'cost' | 'estimate'> = {
  cost: ([text, part]) => Math.ceil(sizeOf(text!) * perCharacter) * Math.ceil(sizeOf(part!) * perCharacter),
  estimate: ([text, part]) => ({ cost: product(times(text!.size, perCharacter), times(part!.size, perCharacter)) }),
}

/** A part of a date, with and without a time zone. */
const ofTimestamp = (name: string, part: (time: CalendarTime) => number): Overload[] => [
  method(`timestamp_to_${name}`, [timestamp], int, (time: Timestamp) => BigInt(part(calendar(time, 'UTC')))),
  method(`timestamp_to_${name}_with_tz`, [timestamp, string], int, (time: Timestamp, zone: string) =>
    BigInt(part(calendar(time, zone))),
  ),
]

const ofDuration = (name: string, part: (nanos: bigint) => bigint): Overload =>
  method(`duration_to_${name}`, [duration], int, (time: Duration) => part(time.nanos))

const second = 1_000_000_000n

/** The functions that every expression has. */
export const standard = library({
  size: sized.flatMap(([name, type]) => [
    fn(`size_${name}`, [type], int, size),
    method(`${name}_size`, [type], int, size),
  ]),
  contains: [method('contains_string', [string, string], bool, (a: string, b: string) => a.includes(b), contains)],
  startsWith: [method('starts_with_string', [string, string], bool, (a: string, b: string) => a.startsWith(b), prefix)],
  endsWith: [method('ends_with_string', [string, string], bool, (a: string, b: string) => a.endsWith(b), prefix)],
  matches: [
    fn('matches', [string, string], bool, matches, searches(0, 1)),
    method('matches_string', [string, string], bool, matches, searches(0, 1)),
  ],
  getFullYear: ofTimestamp('year', time => time.year),
  getMonth: ofTimestamp('month', time => time.month),
  getDate: ofTimestamp('day_of_month_1_based', time => time.day),
  getDayOfMonth: ofTimestamp('day_of_month', time => time.day - 1),
  getDayOfWeek: ofTimestamp('day_of_week', time => time.weekDay),
  getDayOfYear: ofTimestamp('day_of_year', time => time.yearDay),
  getHours: [...ofTimestamp('hours', time => time.hour), ofDuration('hours', nanos => nanos / (3600n * second))],
  getMinutes: [...ofTimestamp('minutes', time => time.minute), ofDuration('minutes', nanos => nanos / (60n * second))],
  getSeconds: [...ofTimestamp('seconds', time => time.second), ofDuration('seconds', nanos => nanos / second)],
  getMilliseconds: [
    ...ofTimestamp('milliseconds', time => time.millisecond),
    ofDuration('milliseconds', nanos => nanos / 1_000_000n),
  ],
})
