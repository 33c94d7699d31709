import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import type { QueueRules, Started, Unit } from './ledger.ts'
import { planQueues, type QueueWorld } from './plan.ts'
import { predictStarts } from './prediction.ts'

const gpu = 4
const amounts = (gpus: number) => new Map([[gpu, gpus]])

function rules(name: string, quota: number, more: Partial<QueueRules> = {}): QueueRules {
  const manners = { cohort: 'all', borrowingLimit: new Map(), weight: 1, hold: false } as const
  return { name, quota: amounts(quota), backfill: 'Expected', reclaim: 'Never', ...manners, ...more }
}

let serial = 0
const unit = (key: string, queue: string, gpus: number, more: Partial<Unit> = {}): Unit => ({
  key,
  queue,
  need: amounts(gpus),
  priority: 0,
  order: serial++,
  durationMs: 100,
  blocked: false,
  ...more,
})
const started = (key: string, queue: string, gpus: number, endsMs: number, more: Partial<Started> = {}): Started => ({
  key,
  queue,
  need: amounts(gpus),
  priority: 0,
  sinceMs: 0,
  endsMs,
  ending: false,
  ...more,
})

function world(queues: QueueRules[], waiting: Unit[], more: Partial<QueueWorld> & { gpus?: number } = {}): QueueWorld {
  const { gpus = 1_000, ...rest } = more
  return {
    nowMs: 0,
    queues: new Map(queues.map(q => [q.name, q])),
    free: amounts(gpus),
    started: [],
    waiting,
    ...rest,
  }
}
const starts = (w: QueueWorld) => planQueues(w).start.map(u => u.key)

describe('within a queue', () => {
  test('the more important start first, then those that came first, as far as the quota goes', () => {
    const waiting = [unit('late', 'a', 2), unit('early', 'a', 2, { order: -1 }), unit('vital', 'a', 2, { priority: 9 })]
    const plan = planQueues(world([rules('a', 4, { cohort: undefined })], waiting))
    expect(plan.start.map(u => u.key)).toEqual(['vital', 'early'])
    expect(plan.waits.get('late')).toEqual({ for: 'quota', column: gpu, short: 2 })
  })

  test('what the quota does not name is not limited', () => {
    const waiting = [{ ...unit('u', 'a', 4), need: new Map([[7, 100]]) }]
    expect(starts(world([rules('a', 1)], waiting, { free: new Map([[7, 100]]) }))).toEqual(['u'])
  })

  test('nothing starts on hold, nor in a queue that is not there', () => {
    const waiting = [unit('u', 'a', 1), unit('v', 'none', 1)]
    const plan = planQueues(world([rules('a', 4, { hold: true })], waiting))
    expect(plan.start).toEqual([])
    expect([...plan.waits]).toEqual([
      ['u', { for: 'hold' }],
      ['v', { for: 'queue' }],
    ])
  })

  test.each([
    ['Expected', 'ends before the one it passes is expected to start', 50, ['short']],
    ['Expected', 'would put it off', 5_000, []],
    ['Always', 'would put it off', 5_000, ['short']],
    ['Never', 'ends before the one it passes is expected to start', 50, []],
  ] as const)('back-filling %s: a later one that %s', (backfill, _, durationMs, expected) => {
    const queues = [rules('a', 8, { backfill })]
    const waiting = [unit('big', 'a', 8), unit('short', 'a', 2, { durationMs })]
    const running = [started('runs', 'a', 6, 1_000)]
    expect(starts(world(queues, waiting, { started: running }))).toEqual(expected)
  })

  test('a later one that leaves the reservation its room may pass however long it runs', () => {
    const waiting = [unit('big', 'a', 6), unit('long', 'a', 2, { durationMs: 1e9 })]
    const running = [started('runs', 'a', 6, 1_000), started('too', 'a', 0, 2_000)]
    expect(starts(world([rules('a', 8)], waiting, { started: running }))).toEqual(['long'])
  })

  test('what can never start keeps nobody back', () => {
    expect(starts(world([rules('a', 8)], [unit('huge', 'a', 9), unit('small', 'a', 1)]))).toEqual(['small'])
  })
})

describe('between queues', () => {
  test('a queue borrows what others of its cohort do not use, up to its limit', () => {
    const queues = [rules('a', 2), rules('b', 6), rules('alone', 6, { cohort: undefined })]
    const waiting = [unit('a1', 'a', 2), unit('a2', 'a', 6), unit('x', 'alone', 7)]
    expect(starts(world(queues, waiting))).toEqual(['a1', 'a2'])
    const limited = [rules('a', 2, { borrowingLimit: amounts(4) }), rules('b', 6)]
    expect(starts(world(limited, waiting.slice(0, 2)))).toEqual(['a1'])
  })

  test('what is within quota goes before what borrows', () => {
    const queues = [rules('a', 2), rules('b', 6)]
    const waiting = [unit('borrows', 'a', 4), unit('owns', 'b', 6)]
    expect(starts(world(queues, waiting))).toEqual(['owns'])
  })

  test.each([
    [1, 1, ['a1', 'b1', 'a2', 'b2']],
    [3, 1, ['a1', 'b1', 'a2', 'a3']],
  ])('what is spare goes to the smallest share for its weight (%i : %i)', (wa, wb, expected) => {
    const queues = [rules('a', 0, { weight: wa }), rules('b', 0, { weight: wb }), rules('lender', 4)]
    const waiting = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3', 'b4'].map(k => unit(k, k[0]!, 1))
    expect(starts(world(queues, waiting))).toEqual(expected)
  })

  test('whoever waits for nodes is not starved by small jobs of other queues', () => {
    const queues = [rules('a', 8), rules('b', 8)]
    const waiting = [unit('big', 'a', 8), unit('small', 'b', 2, { durationMs: 5_000 })]
    const w = world(queues, waiting, { gpus: 2, started: [started('runs', 'a', 6, 1_000)] })
    expect(starts({ ...w, started: [started('runs', 'b', 6, 1_000)] })).toEqual([])
    const brief = [waiting[0]!, unit('small', 'b', 2, { durationMs: 500 })]
    expect(starts({ ...w, started: [started('runs', 'b', 6, 1_000)], waiting: brief })).toEqual(['small'])
  })
})

describe('reclaiming', () => {
  const queues = (reclaim: QueueRules['reclaim']) => [rules('owner', 4, { reclaim }), rules('b', 2)]
  const borrowers = [started('own', 'b', 2, 1e6), started('older', 'b', 2, 1e6), started('newest', 'b', 2, 1e6)].map(
    (s, i) => ({ ...s, sinceMs: i }),
  )
  const reclaimed = (reclaim: QueueRules['reclaim'], gpus: number, from = borrowers) =>
    planQueues(world(queues(reclaim), [unit('u', 'owner', gpus)], { started: from })).reclaim.map(s => s.key)

  test('the latest borrowers end, and only as many as it takes', () => {
    expect(reclaimed('Any', 2)).toEqual(['newest'])
    expect(reclaimed('Any', 4)).toEqual(['newest', 'older'])
  })

  test('nobody ends for a queue that never reclaims, for the less important, for a borrower, or twice', () => {
    expect(reclaimed('Never', 2)).toEqual([])
    expect(reclaimed('LowerPriority', 2)).toEqual([])
    expect(reclaimed('Any', 5)).toEqual([])
    expect(reclaimed('Any', 2, [...borrowers.slice(0, 2), { ...borrowers[2]!, ending: true }])).toEqual([])
  })
})

test('starts are predicted as they come when nobody else arrives', () => {
  const queues = [rules('a', 4, { cohort: undefined })]
  const waiting = [unit('first', 'a', 4), unit('second', 'a', 4), unit('third', 'a', 2), unit('never', 'a', 5)]
  const predicted = predictStarts(world(queues, waiting, { nowMs: 10, started: [started('runs', 'a', 1, 40)] }))
  expect([...predicted]).toEqual([
    ['first', 40],
    ['second', 140],
    ['third', 240],
  ])
})

test('in 400 random histories no quota is exceeded, nothing is idle that may start, and everybody starts in the end', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed)
    const below = (n: number) => Math.floor(random.next() * n)
    const queues = Array.from({ length: 1 + below(4) }, (_, i) =>
      rules(`q${i}`, 2 + below(6), { ...(below(4) ? {} : { cohort: undefined }), weight: 1 + below(3) }),
    )
    let waiting: Unit[] = []
    let running: Started[] = []
    const gpus = 6 + below(10)
    const total = 12
    let arrived = 0
    let nowMs = 0
    for (let round = 0; round < 200 && (arrived < total || waiting.length); round++) {
      for (let n = below(4); n > 0 && arrived < total; n--, arrived++) {
        const queue = queues[below(queues.length)]!
        const need = Math.min(1 + below(5), queue.quota.get(gpu)!, gpus)
        waiting.push(unit(`u${arrived}`, queue.name, need, { priority: below(2), durationMs: 10 + below(200) }))
      }
      const free = gpus - running.reduce((sum, r) => sum + r.need.get(gpu)!, 0)
      const w = world(queues, waiting, { nowMs, started: running, gpus: free })
      const { start } = planQueues(w)
      running.push(...start.map(u => ({ ...u, sinceMs: nowMs, endsMs: nowMs + u.durationMs, ending: false })))
      waiting = waiting.filter(u => !start.includes(u))
      const used = (of: (q: QueueRules) => boolean) =>
        running.filter(r => of(w.queues.get(r.queue)!)).reduce((sum, r) => sum + r.need.get(gpu)!, 0)
      const quota = (of: (q: QueueRules) => boolean) => queues.filter(of).reduce((sum, q) => sum + q.quota.get(gpu)!, 0)
      const inCohort = (q: QueueRules) => q.cohort === 'all'
      expect(used(inCohort), `seed ${seed}`).toBeLessThanOrEqual(quota(inCohort))
      for (const q of queues.filter(q => !q.cohort))
        expect(
          used(o => o === q),
          `seed ${seed}`,
        ).toBeLessThanOrEqual(quota(o => o === q))
      expect(
        used(() => true),
        `seed ${seed}`,
      ).toBeLessThanOrEqual(gpus)
      if (!running.length && waiting.length) expect.fail(`seed ${seed}: all is idle and ${waiting[0]!.key} waits`)
      nowMs = Math.min(...running.map(r => r.endsMs), nowMs + 100)
      running = running.filter(r => r.endsMs > nowMs)
    }
    expect(waiting, `seed ${seed}`).toEqual([])
  }
})
