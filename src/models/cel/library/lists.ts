import { fail } from '../errors.ts'
import { isOf } from '../run/dispatch.ts'
import { type CelType, cel } from '../types.ts'
import { compare, equal } from '../values/equality.ts'
import { durationOf } from '../values/time.ts'
import { Duration, List, Mapping, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import { exactly, perCharacter, plus, product, times } from './costs.ts'
import { fn, library, method, type Overload } from './function.ts'
import { intOf, uintOf } from './operators.ts'

const { bool, int, uint, double, string, bytes, timestamp, duration } = cel
const A = cel.param('A')

/** What reading a value to its last part costs. */
function traversal(value: Value): number {
  work(1)
  if (typeof value === 'string') return Math.floor(new TextEncoder().encode(value).length * perCharacter)
  if (value instanceof Uint8Array) return Math.floor(value.length * perCharacter)
  if (value instanceof List) return [...value].reduce((sum: number, item) => sum + traversal(item), 0)
  if (value instanceof Mapping)
    return [...value.keys()].reduce((sum: number, key) => sum + traversal(key) + traversal(value.find(key)!), 0)
  return 1
}

const traverses: Pick<Overload, 'cost' | 'estimate'> = {
  cost: args => traversal(args[0]!),
  estimate: ([list]) => {
    const { element } = list!
    const texts = element?.type.kind === 'string' || element?.type.kind === 'bytes'
    const each = texts ? plus(exactly(1), times(element.size, perCharacter)) : exactly(1)
    return { cost: product(list!.size, each) }
  },
}

const ordered: CelType[] = [int, uint, double, bool, duration, timestamp, string, bytes]

const forEach = (types: CelType[], form: (type: CelType) => Overload) => types.map(form)

function isSorted(list: List): boolean {
  for (let i = 1; i < list.size; i++) if (orderOf(list.at(i - 1), list.at(i)) > 0) return false
  return true
}

const orderOf = (a: Value, b: Value): number => compare(a, b) ?? fail('no such overload')

function extreme(name: string, sign: number) {
  return (list: List): Value => {
    if (list.size === 0) return fail(`${name} called on empty list`)
    let best = list.at(0)
    for (let i = 1; i < list.size; i++) if (orderOf(list.at(i), best) * sign > 0) best = list.at(i)
    return best
  }
}

const sums: [CelType, Value, (sum: any, item: any) => Value][] = [
  [int, 0n, (sum, item) => intOf(sum + item)],
  [uint, uintOf(0n), (sum, item) => uintOf(sum.value + item.value)],
  [double, 0, (sum, item) => sum + item],
  [duration, new Duration(0n), (sum, item) => durationOf(sum.nanos + item.nanos)],
]

/** By what the list holds: of a list that the checker knows nothing of, the signature says nothing. */
const sum = (ofNone: Value) => (list: List) => {
  if (list.size === 0) return ofNone
  const [type, start, add] = sums.find(([type]) => isOf(list.at(0), type)) ?? fail('no such overload')
  let total = start
  for (const item of list) total = isOf(item, type) ? add(total, item) : fail('no such overload')
  return total
}

function indexOf(list: List, item: Value): bigint {
  for (let i = 0; i < list.size; i++) if (equal(list.at(i), item)) return BigInt(i)
  return -1n
}

function lastIndexOf(list: List, item: Value): bigint {
  for (let i = list.size - 1; i >= 0; i--) if (equal(list.at(i), item)) return BigInt(i)
  return -1n
}

/** Kubernetes' lists: `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`. */
export const listFunctions = library({
  isSorted: forEach(ordered, type =>
    method(`list_${type.kind}_is_sorted_bool`, [cel.list(type)], bool, isSorted, traverses),
  ),
  sum: sums.map(([type, start]) =>
    method(`list_${type.kind}_sum_${type.kind}`, [cel.list(type)], type, sum(start), traverses),
  ),
  max: forEach(ordered, type =>
    method(`list_${type.kind}_max_${type.kind}`, [cel.list(type)], type, extreme('max', 1), traverses),
  ),
  min: forEach(ordered, type =>
    method(`list_${type.kind}_min_${type.kind}`, [cel.list(type)], type, extreme('min', -1), traverses),
  ),
  indexOf: [method('list_a_index_of_int', [cel.list(A), A], int, indexOf, traverses)],
  lastIndexOf: [method('list_a_last_index_of_int', [cel.list(A), A], int, lastIndexOf, traverses)],
})

const holds = (list: List, item: Value): boolean => indexOf(list, item) >= 0n
const containsAll = (list: List, others: List): boolean => [...others].every(item => holds(list, item))

/** @param factor how often both lists are compared */
const compares = (factor: number): Pick<Overload, 'cost' | 'estimate'> => ({
  cost: ([a, b]) => 1 + (a as List).size * (b as List).size * factor,
  estimate: ([a, b]) => ({ cost: plus(times(product(a!.size, b!.size), factor), exactly(1)) }),
})

const pair = [cel.list(A), cel.list(A)]

/** Lists as sets. */
export const setFunctions = library({
  'sets.contains': [fn('list_sets_contains_list', pair, bool, containsAll, compares(1))],
  'sets.equivalent': [
    fn(
      'list_sets_equivalent_list',
      pair,
      bool,
      (a: List, b: List) => containsAll(a, b) && containsAll(b, a),
      compares(2),
    ),
  ],
  'sets.intersects': [
    fn('list_sets_intersects_list', pair, bool, (a: List, b: List) => [...a].some(item => holds(b, item)), compares(1)),
  ],
})
