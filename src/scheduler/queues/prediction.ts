import type { Started, Unit } from './ledger.ts'
import { planQueues, type QueueWorld } from './plan.ts'

const mostRounds = 400

/**
 * When each unit that waits is expected to start: the plan is made again and again at each expected end, as it will be.
 * Later arrivals may change it.
 * @param most so many are looked for; those further back have none
 * @returns milliseconds on the world's clock, by key
 */
export function predictStarts(world: QueueWorld, most = 200): Map<string, number> {
  const starts = new Map<string, number>()
  const free = new Map(world.free)
  let { nowMs } = world
  // Whoever is over its time is expected to end any moment.
  let started: Started[] = world.started.map(s => ({ ...s, endsMs: Math.max(s.endsMs, nowMs) }))
  let waiting: Unit[] = world.waiting.slice()
  for (let round = 0; round < mostRounds && waiting.length && starts.size < most; round++) {
    const { start } = planQueues({ ...world, nowMs, free, started, waiting })
    for (const unit of start) {
      starts.set(unit.key, nowMs)
      started.push({ ...unit, sinceMs: nowMs, endsMs: nowMs + unit.durationMs, ending: false })
      for (const [column, amount] of unit.need) free.set(column, (free.get(column) ?? 0) - amount)
    }
    if (start.length) waiting = waiting.filter(u => !starts.has(u.key))
    const next = started.reduce((first, s) => Math.min(first, s.endsMs), Number.POSITIVE_INFINITY)
    if (next === Number.POSITIVE_INFINITY) break
    nowMs = Math.max(nowMs, next)
    for (const { endsMs, need } of started)
      if (endsMs <= nowMs) for (const [column, amount] of need) free.set(column, (free.get(column) ?? 0) + amount)
    started = started.filter(s => s.endsMs > nowMs)
    // Room has come: what did not fit the nodes is taken to fit now.
    waiting = waiting.map(u => (u.blocked ? { ...u, blocked: false } : u))
  }
  return starts
}
