import { describe, expect, it } from 'vitest'
import type { Hint, Hints } from './hints.ts'
import { isBetter, mergeHints, sizeToReach, type TopologyPolicy } from './merge.ts'
import { countOf, maskOf, type Numa } from './numa.ts'

// A hint is its nodes and whether it is preferred: `0,1+`. `*` is anywhere, `?` no say, `!` no way. A bar parts resources.
// Inputs and results are those of Kubernetes' own tables (pkg/kubelet/cm/topologymanager/policy_test.go, 1.32).

const machine = (...distances: number[][]): Pick<Numa, 'nodes' | 'distances'> => ({
  nodes: [...distances.keys()],
  distances: new Map(distances.entries()),
})
const four = machine([10, 11, 12, 12], [11, 10, 12, 12], [12, 12, 10, 11], [12, 12, 11, 10])
const eight = machine(
  [10, 11, 12, 12, 30, 30, 30, 30],
  [11, 10, 12, 12, 30, 30, 30, 30],
  [12, 12, 10, 11, 30, 30, 30, 30],
  [12, 12, 11, 10, 30, 30, 30, 30],
  [30, 30, 30, 30, 10, 11, 12, 12],
  [30, 30, 30, 30, 11, 10, 12, 12],
  [30, 30, 30, 30, 12, 12, 10, 11],
  [30, 30, 30, 30, 12, 12, 13, 10],
)

function hint(text: string, nodes: readonly number[]): Hint {
  const of = text.slice(0, -1)
  const numbers = of === 'all' ? nodes : of.split(',').filter(Boolean).map(Number)
  return { nodes: of === '*' ? undefined : maskOf(numbers), preferred: text.endsWith('+') }
}

function hintsIn(text: string, nodes: readonly number[]): Hints {
  const lists = text.split(' | ').map(list => {
    if (list === '?') return undefined
    return list === '!' ? [] : list.split(' ').map(one => hint(one, nodes))
  })
  return Object.fromEntries(lists.entries())
}

const forAll = [
  '0+ | 0+ => 0+',
  '1+ | 1+ => 1+',
  '? | 0+ => 0+',
  '? | 1+ => 1+',
  '0+ 1+ | 0+ => 0+',
  '0+ 1+ | 1+ => 1+',
  '0+ 1+ | 0+ 0,1- => 0+',
  '1+ 0,1- | 0+ 1+ 0,1- => 1+',
]
const forSeveral = [
  '0,1+ 0,2+ | 0,1+ 0,2+ => 0,1+',
  '? => all+',
  '! => all-',
  '*+ => all+',
  '*- => all-',
  '0+ | 1+ => all-',
  '0+ | 0- => 0-',
  '1+ | 1- => 1-',
  '0+ | 0,1+ => 0-',
  '0+ 1+ | 0,1- => 0-',
  '1+ | 0,1+ => 1-',
  '0,1,2,3- 0,1- | 0,1- => 0,1-',
  '0,1,2,3- 0,1- | 0,3- => 0,3-',
  '0,1,2,3- 0,1- | 1,2- => 1,2-',
  '0,1,2,3- 0,1- | 2,3- => 2,3-',
]
const narrowest = ['0,1,2,3- 0,1- | 1,2- 2,3- => 1,2-', '0,1,2,3- 0,1- | 1,2,3- 1,2- 1,3- 2,3- => 1,2-']
const closest = [
  '0,4+ 0,2+ | 0,4+ 0,2+ => 0,2+',
  '4+ 0,2+ | 4+ 0,2+ => 4+',
  '0,1,2,3- 0,1- | 1,2- 2,3- => 2,3-',
  '0,1,2,3- 0,1- | 1,2,3- 1,2- 1,3- 2,3- => 2,3-',
]
const forOne = [
  '? => *+',
  '! => *-',
  '*+ => *+',
  '*- => *-',
  '0+ | 1+ => *-',
  '0+ | 0- => *-',
  '1+ | 1- => *-',
  '0+ 1+ | 0,1- => *-',
  '0,1+ | 0+ 1+ 0,1- => *-',
  '0+ 1+ 0,1- | ? => 0+',
]

describe('the place that suits all', () => {
  const check = (policy: TopologyPolicy, numa: typeof four, preferClosest: boolean, row: string) => {
    const [given, wanted] = row.split(' => ') as [string, string]
    const expected = hint(wanted, numa.nodes)
    const result = mergeHints({ policy, numa, preferClosest, hints: [hintsIn(given, numa.nodes)] })
    expect(result).toEqual({ ...expected, admitted: policy === 'best-effort' || expected.preferred })
  }

  it.each([...forAll, ...forSeveral, ...narrowest])('fewest nodes: %s', row => {
    check('best-effort', four, false, row)
    check('restricted', four, false, row)
  })
  it.each([...forAll, ...forSeveral.slice(1), ...closest])('closest nodes: %s', row => {
    check('best-effort', eight, true, row)
    check('restricted', eight, true, row)
  })
  it.each([...forAll, ...forOne])('one node: %s', row => check('single-numa-node', four, false, row))

  it('is anywhere when nobody has a say', () => {
    expect(mergeHints({ policy: 'restricted', numa: four, hints: [undefined, {}] })).toEqual({
      nodes: 15,
      preferred: true,
      admitted: true,
    })
  })
})

describe('of two hints', () => {
  // `size current | found`: true where the one found takes the place of the current one.
  it.each([
    ['-1 | none | - ', false],
    ['-1 | + | -', false],
    ['-1 | none | 0+', true],
    ['-1 | none | 0-', true],
    ['-1 | 0- | 0+', true],
    ['-1 | 0+ | 0-', false],
    ['-1 | 0+ | 0+', false],
    ['-1 | 0,1+ | 0+', true],
    ['-1 | 0+ | 0,1+', false],
    ['1 | 0,1- | 0,1-', false],
    ['1 | 1,2- | 0,1-', true],
    ['1 | 0,1- | 1,2-', false],
    ['2 | 0,1- | 0-', false],
    ['2 | 0,1- | 0,1-', false],
    ['2 | 1,2- | 0,1-', true],
    ['2 | 0,1- | 1,2-', false],
    ['2 | 0- | 0,1,2-', false],
    ['2 | 0- | 0,1-', true],
    ['3 | 0- | 0,1-', true],
    ['3 | 0- | 1,2-', true],
    ['4 | 0,1- | 1,2,3-', true],
    ['4 | 1,2,3- | 0,1-', false],
    ['4 | 0,1,2- | 0,1,2-', false],
    ['4 | 0,1,2- | 1,2,3-', false],
    ['4 | 1,2,3- | 0,1,2-', true],
  ])('%s: %s', (row, better) => {
    const [size, current, found] = row.split(' | ').map(text => text.trim()) as [string, string, string]
    const fitter = (a: number, b: number) => countOf(b) < countOf(a) || (countOf(b) === countOf(a) && b < a)
    const best = current === 'none' ? undefined : hint(current, [])
    expect(isBetter(hint(found, []), best, Number(size), fitter)).toBe(better)
  })
})

it.each([
  ['', 0],
  ['+', 0],
  ['0+', 1],
  ['0,1+', 2],
  ['0,1+ 0,1,2+', 2],
  ['0,1+ 0,1,2+ | 0,1,2+', 3],
  ['0,1+ 0,1,2+ | 0,1,2+ 0,1,2,3+', 3],
])('who needs the most needs at least: %j → %i', (text, size) => {
  const lists = text ? text.split(' | ').map(list => list.split(' ').map(one => hint(one, []))) : []
  expect(sizeToReach(lists)).toBe(size)
})
