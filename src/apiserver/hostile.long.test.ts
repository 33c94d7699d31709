import { expect, test } from 'vitest'
import { beHostile, hostilityText, maxStallMs } from './testing/hostility.ts'
import { startTestServer } from './testing/test-server.ts'

test('100,000 hostile requests: no fault of ours, and nobody waits longer than 250 ms for another', async () => {
  await using server = await startTestServer()
  const hostility = await beHostile(server, 100_000, Math.floor(performance.now()))
  console.info(hostilityText(hostility))
  expect(hostility.faults).toEqual([])
  expect(hostility.worstStallMs, hostility.worstRequest).toBeLessThanOrEqual(maxStallMs)
})
