import { expect, it } from 'vitest'
import { Job } from '../models/kinds/index.ts'
import { meta, template } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'
import { msLeft, ttlAfterFinishedReconciler } from './ttl-after-finished.ts'

/** How long a finished Job may stay: the cases that Kubernetes' own controller is held to. */

const nowMs = Date.parse('2026-01-01T01:00:00Z')
const key = { namespace: 'default', name: 'job' }

function job(type?: string, agoS = 0, ttlS?: number): Job {
  const at = new Date(nowMs - agoS * 1000).toISOString()
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: meta('job') },
    spec: { template: template(), ...(ttlS === undefined ? {} : { ttlSecondsAfterFinished: ttlS }) },
    status: type ? { conditions: [{ type, status: 'True', lastTransitionTime: at }] } : {},
  }
}

it.each<[string | undefined, number, number | undefined, number | undefined]>([
  [undefined, 0, 100, undefined],
  ['Suspended', 200, 100, undefined],
  ['FailureTarget', 200, 100, undefined],
  ['SuccessCriteriaMet', 200, 100, undefined],
  ...['Complete', 'Failed'].flatMap<[string, number, number | undefined, number | undefined]>(type => [
    [type, 0, undefined, undefined],
    [type, 0, 0, 0],
    [type, 0, 10, 10],
    [type, 10, 15, 5],
    [type, 20, 15, -5],
  ]),
])('a Job that is %s since %i s and may stay %s s has %s s left', async (type, agoS, ttlS, leftS) => {
  const one = job(type, agoS, ttlS)
  expect(msLeft(one, nowMs)).toBe(leftS === undefined ? undefined : leftS * 1000)
  const world = stillWorld({ cached: [[Job, [one]] as never], nowMs })
  const next = await ttlAfterFinishedReconciler().reconcile(key, world)
  const isOver = leftS !== undefined && leftS <= 0
  expect(world.writes).toEqual(isOver ? ['delete Job default/job'] : [])
  expect(next?.afterMs).toBe(leftS === undefined || isOver ? undefined : leftS * 1000)
  if (isOver) expect(world.bodies[0]).toMatchObject({ uid: 'uid-job', propagationPolicy: 'Foreground' })
})

it.each<[string, Job[], number | undefined]>([
  ['may stay longer by now', [job('Complete', 10, 30)], 20_000],
  ['is gone', [], undefined],
  ['was made anew', [{ ...job('Complete', 10, 5), metadata: meta('job', { uid: 'other' }) }], undefined],
])('a Job that, as the server says, %s, is left', async (_, live, afterMs) => {
  const world = stillWorld({ cached: [[Job, [job('Complete', 10, 5)]] as never], live: [[Job, live] as never], nowMs })
  expect((await ttlAfterFinishedReconciler().reconcile(key, world))?.afterMs).toBe(afterMs)
  expect(world.writes).toEqual([])
})
