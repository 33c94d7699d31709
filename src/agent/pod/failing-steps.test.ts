import { expect, test } from 'vitest'
import { Pod } from '../../models/kinds/core/pod.ts'
import { RuntimeFailed, RuntimeUnavailable } from '../../runtime/runtime.ts'
import { Fixture } from '../testing/fixture.ts'
import type { Action } from './decision.ts'
import { tellFailure } from './failing-steps.ts'
import { StepFailed } from './step-failed.ts'

const pod = { metadata: { name: 'web', namespace: 'default', uid: 'u' }, spec: {} } as Pod

/** What is said of a step that failed so often. */
function saidOf(action: Action, failed: number, error: Error = new Error('cannot delete running task')): string[] {
  const said: string[] = []
  const events = {
    normal() {},
    warning: (_: unknown, reason: string, message: string) => void said.push(`${reason}: ${message}`),
    flush: async () => {},
  }
  tellFailure({ events }, pod, action, error, failed)
  return said
}

test('what cannot be cleared away is told of from the third try on', () => {
  const action: Action = { type: 'removeContainer', id: 'c' }
  expect(saidOf(action, 2)).toEqual([])
  expect(saidOf(action, 3)).toEqual([
    'FailedKillPod: A container that has ended cannot be removed, tried 3 times: cannot delete running task',
  ])
  expect(saidOf({ type: 'tearDownVolumes' }, 9)).toEqual([
    'FailedUnMount: Volumes cannot be taken away, tried 9 times: cannot delete running task',
  ])
})

test('silent are a runtime that is away, a step that tells its failures itself, and one that begins something', () => {
  expect(saidOf({ type: 'removeSandbox', id: 's' }, 5, new RuntimeUnavailable('containerd is away'))).toEqual([])
  expect(saidOf({ type: 'tearDownVolumes' }, 5, new StepFailed('FailedUnMount', 'device is busy'))).toEqual([])
  expect(saidOf({ type: 'runSandbox', attempt: 0 }, 5)).toEqual([])
})

test('a pod whose sandbox cannot be ended says so, and goes once it can', async () => {
  await using f = await new Fixture().start()
  await f.run('web')
  const stop = f.runtime.stopSandbox
  f.runtime.stopSandbox = async () => {
    throw new RuntimeFailed('network plugin "bridge" failed: no such device')
  }
  await f.api.client.delete(Pod, { namespace: 'default', name: 'web' })
  await f.advance(60_000)
  expect(f.events()).toContain(
    `FailedKillPod: The pod's sandbox cannot be ended, tried 3 times: network plugin "bridge" failed: no such device`,
  )
  expect(f.pod('web')).toBeDefined()
  f.runtime.stopSandbox = stop
  await f.advance(120_000)
  expect(f.pod('web')).toBeUndefined()
})
