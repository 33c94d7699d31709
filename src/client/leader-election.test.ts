import { describe, expect, test } from 'vitest'
import { sleep } from '../base/clock.ts'
import { createLeaderElection, type Leadership } from './leader-election.ts'
import { createBench } from './testing/index.ts'

const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/scheduler'

function contest() {
  const b = createBench()
  const journal: string[] = []
  const candidate = (identity: string, slowEndMs = 0) => {
    const election = createLeaderElection({ ...b, name: 'scheduler', identity })
    const stop = new AbortController()
    const run = election.run(async ({ signal, fencingToken }: Leadership) => {
      journal.push(`${identity} leads with ${fencingToken}`)
      await sleep(b.clock, 10 ** 9, signal).catch(() => {})
      if (slowEndMs) await sleep(b.clock, slowEndMs)
      journal.push(`${identity} ended`)
    }, stop.signal)
    return { election, stop: () => stop.abort(), run }
  }
  const holder = () => b.api.objects.get(path)?.['spec'].holderIdentity
  return { ...b, journal, candidate, holder }
}

describe('leader election', () => {
  test('lets one lead, and the other take over at once when it is released', async () => {
    const { clock, journal, candidate, holder } = contest()
    const a = candidate('a')
    await clock.advance(100)
    const b = candidate('b')
    await clock.advance(60_000)
    expect([journal, holder(), b.election.leader]).toEqual([['a leads with 1'], 'a', 'a'])
    a.stop()
    await clock.advance(3_000)
    expect(journal).toEqual(['a leads with 1', 'a ended', 'b leads with 2'])
    b.stop()
    await clock.advance(3_000)
    expect(holder()).toBe('')
    await Promise.all([a.run, b.run])
  })

  test('a lease that is not renewed is taken after its duration, and its late owner has stopped before', async () => {
    const { api, clock, journal, candidate } = contest()
    const a = candidate('a')
    await clock.advance(5_000)
    // The server does not answer a any more.
    api.intercept = r => {
      if (r.body && Buffer.from(r.body).includes('"a"')) throw new Error('cut off')
      return undefined
    }
    const b = candidate('b')
    await clock.advance(12_000)
    expect(journal).toEqual(['a leads with 1', 'a ended'])
    await clock.advance(8_000)
    expect(journal).toEqual(['a leads with 1', 'a ended', 'b leads with 2'])
    a.stop()
    b.stop()
    await clock.advance(5_000)
  })

  test('a renewal that hangs ends leadership by its deadline', async () => {
    const { api, clock, journal, candidate } = contest()
    const a = candidate('a')
    await clock.advance(1_000)
    api.intercept = r => new Promise((_, reject) => r.signal.addEventListener('abort', () => reject(r.signal.reason)))
    await clock.advance(10_100)
    expect(journal).toEqual(['a leads with 1', 'a ended'])
    a.stop()
    await clock.advance(5_000)
  })

  test('jumps of the wall clock change nothing', async () => {
    const { clock, journal, candidate } = contest()
    const a = candidate('a')
    const b = candidate('b')
    for (const jump of [3_600_000, -7_200_000]) {
      clock.jumpWall(jump)
      await clock.advance(30_000)
    }
    expect(journal).toEqual(['a leads with 1'])
    a.stop()
    b.stop()
    await clock.advance(5_000)
  })

  test('whoever comes back under the identity of the holder leads at once', async () => {
    const { api, clock, journal, candidate } = contest()
    api.put(path, { spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 4 } })
    const a = candidate('a')
    await clock.advance(100)
    expect(journal).toEqual(['a leads with 5'])
    a.stop()
    await clock.advance(5_000)
  })

  test('the lease is kept until the work has really ended', async () => {
    const { clock, journal, candidate, holder } = contest()
    const a = candidate('a', 5_000)
    await clock.advance(100)
    a.stop()
    await clock.advance(4_000)
    expect([journal, holder()]).toEqual([['a leads with 1'], 'a'])
    await clock.advance(2_000)
    expect([journal.at(-1), holder()]).toEqual(['a ended', ''])
  })
})
