import { expect, it } from 'vitest'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { countCrash } from './back-off.ts'
import { newRecords } from './records.ts'

const minute = 60_000
const ended = (id: string, startedAtMs: number, finishedAtMs: number) =>
  ({ id, name: 'web', attempt: 1, startedAtMs, finishedAtMs, annotations: {} }) as unknown as ObservedContainer

/** What is counted of a container that had crashed four times. */
function countAfter(ranMs: number, mostMs?: number): number {
  const records = newRecords(0, 0)
  records.crashes.set('web', { count: 4, hash: undefined, lastId: 'before' as never })
  countCrash(records, ended('now', 100 * minute, 100 * minute + ranMs), mostMs)
  return records.crashes.get('web')!.count
}

it.each([
  ['it ran briefly', minute, undefined, 5],
  ['it ran for ten minutes', 10 * minute, undefined, 1],
  ['it ran briefly, and the clock was set ahead meanwhile', 61 * minute, minute, 5],
  ['it ran for long, and the clock was set back meanwhile', -40 * minute, 20 * minute, 1],
  ['it ran briefly, and its end was seen late', minute, 20 * minute, 5],
])('a crash counts when %s', (_, ranMs, mostMs, count) => {
  expect(countAfter(ranMs, mostMs)).toBe(count)
})
