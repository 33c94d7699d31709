import { expect, it, test } from 'vitest'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { countCrash, crashDelayMs } from './back-off.ts'
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

// kubelet.go of 1.32, with the gate KubeletCrashLoopBackOffMax: the first wait is no longer than the longest.
test('no wait before a restart is longer than the node says', () => {
  const delays = (mostMs?: number) => [1, 2, 3, 4, 10].map(crashes => crashDelayMs(crashes, mostMs))
  expect([delays(), delays(15_000), delays(2_000)]).toEqual([
    [0, 10_000, 20_000, 40_000, 300_000],
    [0, 10_000, 15_000, 15_000, 15_000],
    [0, 2_000, 2_000, 2_000, 2_000],
  ])
})
