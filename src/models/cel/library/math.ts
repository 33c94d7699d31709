import { fail } from '../errors.ts'
import { type CelType, cel } from '../types.ts'
import { compare } from '../values/equality.ts'
import { type List, Uint, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import { fn, library, type Overload } from './function.ts'
import { intOf, uintOf } from './operators.ts'

const { bool, int, uint, double, dyn } = cel
const numbers: CelType[] = [int, uint, double]

const isNumber = (value: Value): boolean =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint

/** One number, two or a list; the parser makes a list of more. */
function extreme(name: string, better: (order: number) => boolean): Overload[] {
  const pick = (values: Value[]): Value => {
    if (values.length === 0) return fail(`${name} argument must not be empty`)
    if (!values.every(isNumber)) return fail('no such overload')
    return values.reduce((best, value) => (better(compare(value, best)!) ? value : best))
  }
  const single = numbers.map(type => fn(`${name}_${type.kind}`, [type], type, value => pick([value])))
  const pairs = numbers.flatMap(a =>
    numbers.map(b => fn(`${name}_${a.kind}_${b.kind}`, [a, b], a === b ? a : dyn, (...both: Value[]) => pick(both))),
  )
  const listed = numbers.map(type =>
    fn(`${name}_list_${type.kind}`, [cel.list(type)], type, (list: List) => {
      work(list.size)
      return pick([...list])
    }),
  )
  return [...single, ...pairs, ...listed]
}

const rounding = (name: string, run: (value: number) => number) => [fn(`math_${name}_double`, [double], double, run)]
const tests = (name: string, run: (value: number) => boolean) => [fn(`math_${name}_double`, [double], bool, run)]

const round = (value: number): number =>
  Math.abs(value) % 1 === 0.5 ? Math.trunc(value) + Math.sign(value) : Math.round(value)

const mask = 2n ** 64n - 1n

const bits = (name: string, run: (a: bigint, b: bigint) => bigint): Overload[] => [
  fn(`math_${name}_int_int`, [int, int], int, (a: bigint, b: bigint) => run(a, b)),
  fn(`math_${name}_uint_uint`, [uint, uint], uint, (a: Uint, b: Uint) => new Uint(run(a.value, b.value))),
]

function shift(name: string, run: (value: bigint, by: bigint) => bigint): Overload[] {
  const by = (offset: bigint) => (offset < 0n ? fail(`math.${name}() negative offset: ${offset}`) : offset)
  const moved = (value: bigint, offset: bigint) => (by(offset) >= 64n ? 0n : run(value & mask, offset) & mask)
  return [
    fn(`math_${name}_int_int`, [int, int], int, (value: bigint, offset: bigint) =>
      BigInt.asIntN(64, moved(value, offset)),
    ),
    fn(
      `math_${name}_uint_int`,
      [uint, int],
      uint,
      (value: Uint, offset: bigint) => new Uint(moved(value.value, offset)),
    ),
  ]
}

/** The mathematics extension. Kubernetes 1.32 does not have it: it stands beside its functions, not among them. */
export const mathFunctions = library({
  'math.greatest': extreme('math.greatest', order => order > 0),
  'math.least': extreme('math.least', order => order < 0),
  'math.ceil': rounding('ceil', Math.ceil),
  'math.floor': rounding('floor', Math.floor),
  'math.round': rounding('round', round),
  'math.trunc': rounding('trunc', Math.trunc),
  'math.isNaN': tests('isNaN', Number.isNaN),
  'math.isInf': tests('isInf', value => Math.abs(value) === Number.POSITIVE_INFINITY),
  'math.isFinite': tests('isFinite', Number.isFinite),
  'math.abs': [
    fn('math_abs_int', [int], int, (value: bigint) => intOf(value < 0n ? -value : value)),
    fn('math_abs_uint', [uint], uint, (value: Uint) => value),
    fn('math_abs_double', [double], double, Math.abs),
  ],
  'math.sign': [
    fn('math_sign_int', [int], int, (value: bigint) => (value > 0n ? 1n : value < 0n ? -1n : 0n)),
    fn('math_sign_uint', [uint], uint, (value: Uint) => new Uint(value.value > 0n ? 1n : 0n)),
    fn('math_sign_double', [double], double, Math.sign),
  ],
  'math.bitAnd': bits('bitAnd', (a, b) => a & b),
  'math.bitOr': bits('bitOr', (a, b) => a | b),
  'math.bitXor': bits('bitXor', (a, b) => a ^ b),
  'math.bitNot': [
    fn('math_bitNot_int', [int], int, (value: bigint) => ~value),
    fn('math_bitNot_uint', [uint], uint, (value: Uint) => uintOf(value.value ^ mask)),
  ],
  'math.bitShiftLeft': shift('bitShiftLeft', (value, by) => value << by),
  'math.bitShiftRight': shift('bitShiftRight', (value, by) => value >> by),
})
