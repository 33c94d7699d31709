import { expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import type { PodStatus } from '../models/types/core-v1.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'
import { changesOf, StatusWriter } from './status-writer.ts'
import { FakeApi } from './testing/fake-api.ts'
import { podDraft } from './testing/fixture.ts'

const started = { phase: 'Pending', startTime: '2026-01-01T00:00:00Z' } as const
const one = (state: object) => ({ name: 'web', image: 'i', imageID: '', ready: false, restartCount: 0, state })
const making: PodStatus = { ...started, containerStatuses: [one({ waiting: { reason: 'ContainerCreating' } })] }
const withAddress: PodStatus = { ...making, podIP: '10.1.0.2', podIPs: [{ ip: '10.1.0.2' }] }
const running: PodStatus = { ...withAddress, phase: 'Running', containerStatuses: [one({ running: {} })] }
const failing: PodStatus = { ...started, containerStatuses: [one({ waiting: { reason: 'ErrImagePull' } })] }

/** @returns what says how often the pod's status was written after that status and so much time */
async function writer(crowded = false) {
  const clock = new VirtualClock()
  const api = new FakeApi(clock)
  const pod = await api.client.create<Pod>(Pod, podDraft('web'))
  const statuses = new StatusWriter({ client: api.client, clock, log: silentLogger, starting: () => (crowded ? 4 : 3) })
  return async (status: PodStatus, ms: number) => {
    statuses.set(pod, status)
    await settle(8)
    await clock.advance(ms)
    await settle(8)
    return api.writes.filter(write => write.startsWith('patch')).length
  }
}

it('a pod on its way to its containers is told of now and then, and at once when they run or something is wrong', async () => {
  const written = await writer()
  expect(await written(making, 499)).toBe(0)
  expect(await written(making, 1)).toBe(1)
  expect(await written(withAddress, 400)).toBe(1)
  expect(await written(running, 0)).toBe(2)
  expect(await (await writer())(failing, 0)).toBe(1)
})

it('while many start, who is on the way waits longer', async () => {
  const written = await writer(true)
  expect(await written(making, 4_999)).toBe(0)
  expect(await written(making, 1)).toBe(1)
  expect(await (await writer(true))(running, 0)).toBe(1)
})

it('tells how long it took from the first change until the API had it, tries that failed included', async () => {
  const clock = new VirtualClock()
  const api = new FakeApi(clock)
  const pod = await api.client.create<Pod>(Pod, podDraft('web'))
  const seconds: number[] = []
  const metrics = { statusSynced: (s: number) => seconds.push(s) } as unknown as AgentMetrics
  const statuses = new StatusWriter({ client: api.client, clock, log: silentLogger, metrics })
  const after = async (ms: number) => {
    await clock.advance(ms)
    await settle(8)
  }
  statuses.set(pod, making)
  await after(300)
  statuses.set(pod, withAddress)
  await after(200)
  expect(seconds).toEqual([0.5])
  api.away = true
  statuses.set(pod, running)
  await after(2_500)
  api.away = false
  await after(500)
  expect(seconds).toEqual([0.5, 3])
})

it('a status that is again what the API has is not written', async () => {
  const written = await writer()
  await written(making, 500)
  expect(await written(withAddress, 100)).toBe(1)
  expect(await written(making, 1_000)).toBe(1)
  expect(await written(withAddress, 499)).toBe(1)
  expect(await written(withAddress, 1)).toBe(2)
})

it('what a status says no more is taken out', () => {
  const said: PodStatus = { phase: 'Running', reason: 'Evicted', message: 'low on memory', resize: 'Deferred' }
  expect(changesOf(said, { phase: 'Running' })).toEqual({ reason: null, message: null, resize: null })
  expect(changesOf({ phase: 'Running' }, { phase: 'Running' })).toBeUndefined()
  expect(changesOf({ podIPs: [{ ip: '10.1.0.2' }] }, { podIPs: [{ ip: '10.1.0.3' }] })).toEqual({
    podIPs: [{ $patch: 'replace' }, { ip: '10.1.0.3' }],
  })
})
