import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { leastInstant } from '../values/time.ts'
import { ArrayList, type List, Optional, sizeOf, Timestamp, Uint, type Value } from '../values/value.ts'
import { fn, library, method } from './function.ts'

const V = cel.param('V')
const O = cel.optional(V)

/** Empty texts, lists and maps, zeros, false and null. */
function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === 0n) return true
  if (typeof value !== 'object') return value === ''
  if (value instanceof Uint) return value.value === 0n
  if (value instanceof Timestamp) return value.nanos === leastInstant
  if ('nanos' in value) return value.nanos === 0n
  return sizeOf(value) === 0
}

/** `optional.of(x)`, `orValue(y)` and the like; `optMap` and `?.` are grammar. */
export const optionals = library({
  'optional.of': [fn('optional_of', [V], O, (value: Value) => new Optional(value))],
  'optional.ofNonZeroValue': [
    fn('optional_ofNonZeroValue', [V], O, (value: Value) => (isZero(value) ? Optional.none : new Optional(value))),
  ],
  'optional.none': [fn('optional_none', [], O, () => Optional.none)],
  'optional.unwrap': [fn('optional_unwrap', [cel.list(O)], cel.list(V), unwrap)],
  unwrapOpt: [method('optional_unwrapOpt', [cel.list(O)], cel.list(V), unwrap)],
  value: [method('optional_value', [O], V, (optional: Optional) => optional.value ?? present(optional))],
  hasValue: [method('optional_hasValue', [O], cel.bool, (optional: Optional) => optional.value !== undefined)],
  or: [
    method('optional_or_optional', [O, O], O, (optional: Optional, other: Optional) =>
      optional.value === undefined ? other : optional,
    ),
  ],
  orValue: [
    method('optional_orValue_value', [O, V], V, (optional: Optional, other: Value) =>
      optional.value === undefined ? other : optional.value,
    ),
  ],
})

const present = ({ value }: Optional): Value => (value === undefined ? fail('optional.none() dereference') : value)

function unwrap(list: List): Value {
  return new ArrayList(
    [...list].flatMap(item => (item instanceof Optional && item.value !== undefined ? [item.value] : [])),
  )
}
