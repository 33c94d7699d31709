import { fail } from '../errors.ts'
import { type CelType, cel } from '../types.ts'
import { compare, elementKey, equal } from '../values/equality.ts'
import { durationOf, maxInt, timestampOf } from '../values/time.ts'
import {
  ArrayList,
  type Duration,
  JoinedList,
  type List,
  type Mapping,
  Opaque,
  sizeOf,
  type Timestamp,
  Uint,
  type Value,
} from '../values/value.ts'
import { work } from '../values/work.ts'
import { exactly, perCharacter, plus, reads, times } from './costs.ts'
import { fn, library, type Overload } from './function.ts'

const { bool, int, uint, double, string, bytes, timestamp, duration } = cel
const A = cel.param('A')
const B = cel.param('B')

const maxUint = 2n ** 64n - 1n

export const intOf = (value: bigint): bigint =>
  value > maxInt || value < -maxInt - 1n ? fail('integer overflow') : value
export const uintOf = (value: bigint): Uint =>
  value < 0n || value > maxUint ? fail('unsigned integer overflow') : new Uint(value)

const divisor = (value: bigint, how: string): bigint => (value === 0n ? fail(`${how} by zero`) : value)

const shorter = (args: Value[]) => Math.ceil(Math.min(sizeOf(args[0]!), sizeOf(args[1]!)) * perCharacter)

/** Comparing reads up to the end of the shorter one. */
const compares: Pick<Overload, 'cost' | 'estimate'> = {
  cost: args => (args[0] instanceof Opaque ? 1 : shorter(args)),
  estimate: ([a, b]) => {
    if (a!.type.kind === 'opaque' && b!.type.kind === 'opaque') return { cost: exactly(1) }
    const most = Math.min(a!.size.max, b!.size.max)
    return { cost: times({ min: most > 0 ? 1 : 0, max: most }, perCharacter) }
  },
}

const joins: Pick<Overload, 'cost' | 'estimate'> = {
  cost: args => Math.ceil((sizeOf(args[0]!) + sizeOf(args[1]!)) * perCharacter),
  estimate: ([a, b]) => {
    const size = plus(a!.size, b!.size)
    return { cost: times(size, perCharacter), size }
  },
}

const numbers: [string, CelType][] = [
  ['int64', int],
  ['uint64', uint],
  ['double', double],
]

function order(name: string, holds: (order: number) => boolean): Overload[] {
  const run = (a: Value, b: Value) => holds(compare(a, b) ?? fail('no such overload'))
  const same = [
    ['bool', bool],
    ['timestamp', timestamp],
    ['duration', duration],
  ] as const
  return [
    ...numbers.flatMap(([left, a]) =>
      numbers.map(([right, b]) =>
        fn(left === right ? `${name}_${left}` : `${name}_${left}_${right}`, [a, b], bool, run),
      ),
    ),
    ...same.map(([type, of]) => fn(`${name}_${type}`, [of, of], bool, run)),
    fn(`${name}_string`, [string, string], bool, run, compares),
    fn(`${name}_bytes`, [bytes, bytes], bool, run, compares),
  ]
}

/** Lists without order are merged: elements of the right replace those of the same name, the others follow. */
function joinLists(a: List, b: List): List {
  const how = a.semantics !== 'atomic' ? a : b
  if (how.semantics === 'atomic') {
    if (a.size === 0) return b
    return b.size === 0 ? a : new JoinedList(a, b)
  }
  work(a.size + b.size)
  const merged = new Map<string, Value>()
  for (const item of [...a, ...b]) merged.set(elementKey(item, how) ?? `#${merged.size}`, item)
  return new ArrayList([...merged.values()])
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

const arithmetic = {
  '_+_': [
    fn('add_int64', [int, int], int, (a: bigint, b: bigint) => intOf(a + b)),
    fn('add_uint64', [uint, uint], uint, (a: Uint, b: Uint) => uintOf(a.value + b.value)),
    fn('add_double', [double, double], double, (a: number, b: number) => a + b),
    fn('add_string', [string, string], string, (a: string, b: string) => a + b, joins),
    fn('add_bytes', [bytes, bytes], bytes, joinBytes, joins),
    fn('add_list', [cel.list(A), cel.list(A)], cel.list(A), joinLists, {
      estimate: ([a, b]) => ({ cost: exactly(1), size: plus(a!.size, b!.size) }),
    }),
    fn('add_timestamp_duration', [timestamp, duration], timestamp, (a: Timestamp, b: Duration) =>
      timestampOf(a.nanos + b.nanos, a.offsetMinutes),
    ),
    fn('add_duration_timestamp', [duration, timestamp], timestamp, (a: Duration, b: Timestamp) =>
      timestampOf(a.nanos + b.nanos),
    ),
    fn('add_duration_duration', [duration, duration], duration, (a: Duration, b: Duration) =>
      durationOf(a.nanos + b.nanos),
    ),
  ],
  '_-_': [
    fn('subtract_int64', [int, int], int, (a: bigint, b: bigint) => intOf(a - b)),
    fn('subtract_uint64', [uint, uint], uint, (a: Uint, b: Uint) => uintOf(a.value - b.value)),
    fn('subtract_double', [double, double], double, (a: number, b: number) => a - b),
    fn('subtract_timestamp_timestamp', [timestamp, timestamp], duration, (a: Timestamp, b: Timestamp) =>
      durationOf(a.nanos - b.nanos),
    ),
    fn('subtract_timestamp_duration', [timestamp, duration], timestamp, (a: Timestamp, b: Duration) =>
      timestampOf(a.nanos - b.nanos, a.offsetMinutes),
    ),
    fn('subtract_duration_duration', [duration, duration], duration, (a: Duration, b: Duration) =>
      durationOf(a.nanos - b.nanos),
    ),
  ],
  '_*_': [
    fn('multiply_int64', [int, int], int, (a: bigint, b: bigint) => intOf(a * b)),
    fn('multiply_uint64', [uint, uint], uint, (a: Uint, b: Uint) => uintOf(a.value * b.value)),
    fn('multiply_double', [double, double], double, (a: number, b: number) => a * b),
  ],
  '_/_': [
    fn('divide_int64', [int, int], int, (a: bigint, b: bigint) => intOf(a / divisor(b, 'division'))),
    fn('divide_uint64', [uint, uint], uint, (a: Uint, b: Uint) => uintOf(a.value / divisor(b.value, 'division'))),
    fn('divide_double', [double, double], double, (a: number, b: number) => a / b),
  ],
  '_%_': [
    fn('modulo_int64', [int, int], int, (a: bigint, b: bigint) => a % divisor(b, 'modulus')),
    fn('modulo_uint64', [uint, uint], uint, (a: Uint, b: Uint) => uintOf(a.value % divisor(b.value, 'modulus'))),
  ],
  '-_': [
    fn('negate_int64', [int], int, (a: bigint) => intOf(-a)),
    fn('negate_double', [double], double, (a: number) => -a),
  ],
}

/** What the checker knows by these names; where they run, the compiler has its own way. */
const never = () => fail('no such overload')
const control = {
  '_&&_': [fn('logical_and', [bool, bool], bool, never)],
  '_||_': [fn('logical_or', [bool, bool], bool, never)],
  '_?_:_': [fn('conditional', [bool, A, A], A, never)],
  '@not_strictly_false': [fn('not_strictly_false', [bool], bool, never)],
  '_[_]': [
    fn('index_list', [cel.list(A), int], A, never),
    fn('index_map', [cel.map(A, B), A], B, never),
    fn('optional_list_index_int', [cel.optional(cel.list(A)), int], cel.optional(A), never),
    fn('optional_map_index_value', [cel.optional(cel.map(A, B)), A], cel.optional(B), never),
  ],
  '_[?_]': [
    fn('list_optindex_optional_int', [cel.list(A), int], cel.optional(A), never),
    fn('optional_list_optindex_optional_int', [cel.optional(cel.list(A)), int], cel.optional(A), never),
    fn('map_optindex_optional_value', [cel.map(A, B), A], cel.optional(B), never),
    fn('optional_map_optindex_optional_value', [cel.optional(cel.map(A, B)), A], cel.optional(B), never),
  ],
  'cel.@mapInsert': [
    fn('@mapInsert_map_map', [cel.map(A, B), cel.map(A, B)], cel.map(A, B), never),
    fn('@mapInsert_map_key_value', [cel.map(A, B), A, B], cel.map(A, B), never),
  ],
}

function contains(item: Value, list: List): boolean {
  for (let i = 0; i < list.size; i++) if (equal(item, list.at(i))) return true
  return false
}

/** Operators, by the names that the parser gives them. */
export const operators = library({
  ...arithmetic,
  ...control,
  '!_': [fn('logical_not', [bool], bool, (a: boolean) => !a)],
  '_==_': [fn('equals', [A, A], bool, equal, compares)],
  '_!=_': [fn('not_equals', [A, A], bool, (a: Value, b: Value) => !equal(a, b), compares)],
  '_<_': order('less', order => order < 0),
  '_<=_': order('less_equals', order => order <= 0),
  '_>_': order('greater', order => order > 0),
  '_>=_': order('greater_equals', order => order >= 0),
  '@in': [
    fn('in_list', [A, cel.list(A)], bool, contains, reads(1, 1)),
    fn('in_map', [A, cel.map(A, B)], bool, (key: Value, map: Mapping) => map.find(key) !== undefined),
  ],
})
