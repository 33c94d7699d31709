import { expect, test } from 'vitest'
import { ChangeLog } from './change-log.ts'

test('rows that changed are told once each, until they are forgotten', () => {
  const log = new ChangeLog(7)
  for (const row of [3, 1, 3, 3, 1]) log.push(row, 6)
  expect([7, 8, 9, 12].map(first => log.since(first))).toEqual([[3, 1], [1, 3], [3, 1], []])
  for (const row of [2, 2]) log.push(row, 6)
  expect([9, 10, 13].map(first => log.since(first))).toEqual([undefined, [3, 1, 2], [2]])
})
