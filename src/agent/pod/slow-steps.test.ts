import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { Action } from './decision.ts'
import { watchStep } from './slow-steps.ts'

const pod = { metadata: { name: 'web', namespace: 'default', uid: 'u' }, spec: {} } as Pod

/** What is said of a step that takes so long. */
async function saidOf(action: Action, minutes: number): Promise<string[]> {
  const clock = new VirtualClock()
  const said: string[] = []
  const events = {
    normal() {},
    warning: (_: unknown, reason: string, message: string) => void said.push(`${reason}: ${message}`),
    flush: async () => {},
  }
  const volumes = { waitedFor: () => ['data', 'cache'] } as never
  const ended = watchStep({ clock, events, volumes }, pod, action)
  for (let seconds = 0; seconds < minutes * 60; seconds += 10) await clock.advance(10_000)
  ended()
  for (let tens = 0; tens < 100; tens++) await clock.advance(10_000)
  return said
}

test('a step that waits for others is told of after a minute, and ever more rarely', async () => {
  expect(await saidOf({ type: 'setUpVolumes' }, 5)).toEqual(
    ['1m0s', '2m0s', '4m0s'].map(
      time =>
        `FailedMount: Volumes are not ready after ${time}: [data cache]. What serves them may hang: see its driver or server.`,
    ),
  )
  expect(await saidOf({ type: 'runSandbox', attempt: 0 }, 0.8)).toEqual([])
})

test('a container may take its grace period before its end is late', async () => {
  const kill = { type: 'kill', id: 'c', container: 'web', graceMs: 120_000, message: '' } as Action
  expect(await saidOf(kill, 2.5)).toEqual([])
  expect(await saidOf(kill, 3)).toEqual([
    'FailedKillPod: Container web has not ended 1m0s after its grace period. Its process may wait for a disk (state D), or the runtime hangs.',
  ])
})

test('what may take as long as it likes is not told of', async () => {
  expect(await saidOf({ type: 'getImage', container: 'web' }, 10)).toEqual([])
})
