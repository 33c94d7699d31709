import { expect, test } from 'vitest'
import { beHostile, hostilityText, longestStallMs } from './testing/hostility.ts'
import { startTestServer } from './testing/test-server.ts'

/** Other requests than the fast test's. HOSTILE_SEED=… for still others. */
const seed = Number(process.env['HOSTILE_SEED'] ?? 2)

test('100,000 hostile requests find no fault of ours, and none keeps others waiting', async () => {
  await using server = await startTestServer()
  const hostility = await beHostile(server, 100_000, seed)
  console.info(hostilityText(hostility))
  expect(hostility.faults).toEqual([])
  expect(hostility.worstStallMs).toBeLessThanOrEqual(longestStallMs)
})
