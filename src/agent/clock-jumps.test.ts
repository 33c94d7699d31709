import { afterEach, expect, it } from 'vitest'
import { Lease } from '../models/kinds/coordination/lease.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { container, Fixture } from './testing/fixture.ts'

const hourMs = 3_600_000
let fixture: Fixture | undefined
afterEach(() => fixture?.[Symbol.asyncDispose]())

/** Pods as they are before somebody sets the clock, and what each of them has come to since. */
async function story(jumpMs: number) {
  const f = (fixture = await new Fixture().start())
  const probe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 3 }
  const probed = { containers: [container('web', { readinessProbe: probe, livenessProbe: probe })] }
  await f.run('probed', probed)
  await f.run('timed', { activeDeadlineSeconds: 600 })
  await f.run('crashing', {}, { 'exit-code': '1', 'exit-after': '1s' })
  await f.advance(20_000)
  const restarts = (name: string) => f.pod(name)!.status!.containerStatuses![0]!.restartCount
  const beats: string[] = []
  const beat = () => f.api.find(Lease, { namespace: 'kube-node-lease', name: 'node-1' })!.spec.renewTime!
  const before = { crashes: restarts('crashing'), writes: f.api.writes.length }
  f.clock.jumpWall(jumpMs)
  // What changes of a pod has it looked at.
  const body = { metadata: { labels: { looked: 'at' } } }
  await f.api.client.patch(Pod, { namespace: 'default', name: 'timed' }, { type: 'merge', body })
  for (let i = 0; i < 4; i++) {
    await f.advance(10_000)
    beats.push(beat())
  }
  return { f, restarts, beats, before }
}

it.each([hourMs, -hourMs])(
  'a clock that jumps by %d ms ends no pod, misses no beat and hurries nobody',
  async jumpMs => {
    const { f, restarts, beats, before } = await story(jumpMs)
    expect(new Set(beats).size).toBe(4)
    expect(restarts('probed')).toBe(0)
    const ready = f.pod('probed')!.status!.conditions!.find(c => c.type === 'Ready')
    expect(ready).toMatchObject({ status: 'True' })
    expect(f.pod('timed')!.status).toMatchObject({ phase: 'Running' })
    // After 10 s and then after 20 s more, whatever the clock says meanwhile.
    expect([before.crashes, restarts('crashing')]).toEqual([2, 3])
    // The deadline comes when its time is over.
    await f.advance(530_000)
    expect(f.pod('timed')!.status).toMatchObject({ phase: 'Running' })
    await f.advance(20_000)
    expect(f.pod('timed')!.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
  },
)

it('an agent that starts anew counts a deadline from when the pod was first seen', async () => {
  const f = (fixture = await new Fixture().start())
  await f.run('timed', { activeDeadlineSeconds: 60 })
  await f.advance(40_000)
  await f.restartAgent()
  await f.advance(15_000)
  expect(f.pod('timed')!.status).toMatchObject({ phase: 'Running' })
  await f.advance(6_000)
  expect(f.pod('timed')!.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
})

it.each([hourMs, -hourMs])(
  'a container that crashes waits as long as before when the clock jumps by %d ms while it runs',
  async jumpMs => {
    const f = (fixture = await new Fixture().start())
    await f.run('crashing', {}, { 'exit-code': '1', 'exit-after': '30s' })
    const restarts = () => f.pod('crashing')!.status!.containerStatuses![0]!.restartCount
    // It ends after 30 s, and again after 60; from 70 s on it runs for the third time.
    await f.advance(80_000)
    expect(restarts()).toBe(2)
    f.clock.jumpWall(jumpMs)
    await f.advance(35_000)
    expect(restarts()).toBe(2)
    await f.advance(10_000)
    expect(restarts()).toBe(3)
  },
)
