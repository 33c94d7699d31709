import { goQuote } from '../../field-error.ts'

// Completion indexes as Jobs write them: `1,3-5,7`.

type Interval = { from: number; to: number } | { wrong: string }

/** @param completions indexes are below it @returns what is wrong with the text, in Kubernetes' words, or undefined */
export function checkIndexes(text: string, completions: number): string | undefined {
  if (text === '') return undefined
  let last: number | undefined
  for (const part of text.split(',')) {
    const interval = intervalOf(part, completions)
    if ('wrong' in interval) return interval.wrong
    if (last !== undefined && last >= interval.from)
      return `non-increasing order, previous: ${last}, current: ${interval.from}`
    last = interval.to
  }
  return undefined
}

/** The first index that is in both lists. Parts that cannot be read are passed over. */
export function overlapOf(one: string, other: string, completions: number): number | undefined {
  const [a, b] = [one, other].map(text => readable(text, completions)) as [Range[], Range[]]
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i]!, b[j]!]
    if (x.from <= y.to && y.from <= x.to) return Math.max(x.from, y.from)
    if (x.from <= y.from) i++
    else j++
  }
  return undefined
}

interface Range {
  from: number
  to: number
}

const readable = (text: string, completions: number): Range[] =>
  text === ''
    ? []
    : text.split(',').flatMap(part => {
        const interval = intervalOf(part, completions)
        return 'wrong' in interval ? [] : [interval]
      })

function intervalOf(part: string, completions: number): Interval {
  const limits = part.split('-')
  if (limits.length > 2)
    return {
      wrong: `the fragment ${goQuote(part)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    }
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return { wrong: `cannot convert string to integer for index: ${goQuote(limit)}` }
    if (Number(limit) >= completions) return { wrong: `too large index: ${goQuote(limit)}` }
  }
  const [from, to = from] = limits.map(Number) as [number, number?]
  if (limits.length > 1 && from >= to) return { wrong: `non-increasing order, previous: ${from}, current: ${to}` }
  return { from, to }
}
