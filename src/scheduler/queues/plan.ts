import { Ledger, type QueueRules, type Started, type Unit, type Wait } from './ledger.ts'

export interface QueueWorld {
  nowMs: number
  queues: ReadonlyMap<string, QueueRules>
  /** What the nodes have free in all. */
  free: ReadonlyMap<number, number>
  started: readonly Started[]
  waiting: readonly Unit[]
}

export interface QueuePlan {
  /** In this order. */
  start: Unit[]
  /** Why the others wait; those so far behind that nobody asked are not in it. */
  waits: Map<string, Wait>
  /** Borrowers that give back what its owner needs. */
  reclaim: Started[]
}

/** So many of a queue are looked at for one that may pass those before it. */
const lookAhead = 200

/** A unit that waits at the head of its line, with when there should be room and what there will be then. */
interface Reservation {
  unit: Unit
  rules: QueueRules
  /** Whom it keeps back: everybody, its cohort, or its own queue. */
  against: 'all' | 'cohort' | 'queue'
  atMs: number
  then: Ledger
}

interface Line {
  rules: QueueRules | undefined
  units: readonly Unit[]
  at: number
  hasHead: boolean
}

/**
 * Who may start now. Within a queue the more important go first, then those that came first. Between queues, those within
 * their quota before those that borrow, and then whoever has the smallest part of its cohort for its weight (dominant resource
 * fairness). Whoever waits for room gets a reservation for when there should be some, and others pass only if that is not
 * put off (EASY back-filling). Pure.
 * @see Ghodsi et al., Dominant Resource Fairness, NSDI '11; Lifka, The ANL/IBM SP Scheduling System, 1995
 */
export function planQueues(world: QueueWorld): QueuePlan {
  const ledger = new Ledger(world.queues, world.free, world.started)
  const lines = linesOf(world)
  const running: Started[] = [...world.started]
  const reservations: Reservation[] = []
  const waits = new Map<string, Wait>()
  const start: Unit[] = []
  for (;;) {
    let best: { line: Line; unit: Unit; rank: number[] } | undefined
    for (const line of lines) {
      const unit = nextOf(line, { world, ledger, running, reservations, waits })
      if (!unit) continue
      const rank = [ledger.borrows(unit) ? 1 : 0, ledger.share(unit.queue) / line.rules!.weight, unit.order]
      if (!best || before(rank, best.rank)) best = { line, unit, rank }
    }
    if (!best) break
    const { line, unit } = best
    line.at++
    ledger.take(unit)
    start.push(unit)
    running.push({ ...unit, sinceMs: world.nowMs, endsMs: world.nowMs + unit.durationMs, ending: false })
    for (const r of reservations) if (world.nowMs + unit.durationMs > r.atMs) r.then.take(unit)
  }
  return { start, waits, reclaim: reclaim(world, ledger, lines, waits) }
}

/** The line of each queue that somebody waits in. */
function linesOf({ queues, waiting }: QueueWorld): Line[] {
  const lines = new Map<string, Unit[]>()
  for (const unit of waiting) {
    const line = lines.get(unit.queue)
    if (line) line.push(unit)
    else lines.set(unit.queue, [unit])
  }
  return [...lines].map(([name, units]) => ({
    rules: queues.get(name),
    units: units.sort((a, b) => b.priority - a.priority || a.order - b.order),
    at: 0,
    hasHead: false,
  }))
}

interface Asked {
  world: QueueWorld
  ledger: Ledger
  running: readonly Started[]
  reservations: Reservation[]
  waits: Map<string, Wait>
}

/** The first of the line that may start. */
function nextOf(line: Line, asked: Asked): Unit | undefined {
  const { world, ledger, running, reservations, waits } = asked
  for (const end = Math.min(line.units.length, lookAhead); line.at < end; line.at++) {
    const unit = line.units[line.at]!
    const wait = unit.blocked ? ({ for: 'nodes' } as const) : ledger.check(unit)
    const ahead = wait ? undefined : reservations.find(r => keepsBack(r, unit, world))
    if (!wait && !ahead) return unit
    waits.set(unit.key, wait ?? { for: 'line', behind: ahead!.unit.key })
    if (!wait || line.hasHead || !line.rules || line.rules.hold) continue
    const reservation = reserve(unit, wait, line.rules, { world, ledger, running })
    // What can never start keeps nobody back.
    if (!reservation) continue
    line.hasHead = true
    reservations.push(reservation)
  }
  return undefined
}

function keepsBack(r: Reservation, unit: Unit, { nowMs, queues }: QueueWorld): boolean {
  const own = r.unit.queue === unit.queue
  if (!own && r.against === 'queue') return false
  if (!own && r.against === 'cohort' && queues.get(unit.queue)?.cohort !== r.rules.cohort) return false
  if (r.rules.backfill === 'Always') return false
  if (own && r.rules.backfill === 'Never') return true
  if (nowMs + unit.durationMs <= r.atMs) return false
  r.then.take(unit)
  const stillFits = !r.then.check(r.unit)
  r.then.give(unit)
  return !stillFits
}

/** When it will fit if everybody ends as expected and nobody else starts. */
function reserve(
  unit: Unit,
  wait: Wait,
  rules: QueueRules,
  { world, ledger, running }: Pick<Asked, 'world' | 'ledger' | 'running'>,
): Reservation | undefined {
  const then = ledger.copy()
  const against = wait.for === 'room' || wait.for === 'nodes' ? 'all' : ledger.borrows(unit) ? 'queue' : 'cohort'
  // Where the nodes' room is in pieces, the sums do not tell: the next that ends may be the one.
  let fits = false
  for (const one of [...running].sort((a, b) => a.endsMs - b.endsMs)) {
    then.give(one)
    fits = !then.check(unit)
    if (fits) return { unit, rules, against, atMs: Math.max(one.endsMs, world.nowMs), then }
  }
  return undefined
}

/** Whom to end so that heads of lines get what their queues are guaranteed; nobody in vain. */
function reclaim({ started, queues }: QueueWorld, ledger: Ledger, lines: readonly Line[], waits: Map<string, Wait>) {
  const chosen: Started[] = []
  for (const { rules, units } of lines) {
    const head = units.find(u => waits.has(u.key))
    const wait = head && waits.get(head.key)
    if (!head || wait?.for !== 'cohort' || !rules || rules.reclaim === 'Never' || ledger.borrows(head)) continue
    const trial = ledger.copy()
    for (const one of started) if (one.ending || chosen.includes(one)) trial.give(one)
    const mates = (s: Started) => s.queue !== head.queue && queues.get(s.queue)?.cohort === rules.cohort
    const mayEnd = (s: Started) => !s.ending && (rules.reclaim === 'Any' || s.priority < head.priority)
    const found: Started[] = []
    const candidates = started.filter(s => mates(s) && mayEnd(s) && !chosen.includes(s))
    for (const one of candidates.sort((a, b) => a.priority - b.priority || b.sinceMs - a.sinceMs)) {
      const missing = trial.check(head)
      if (missing?.for !== 'cohort') break
      if (trial.excess(one.queue, missing.column) <= 0 || !one.need.get(missing.column)) continue
      trial.give(one)
      found.push(one)
    }
    if (!trial.check(head)) chosen.push(...found)
  }
  return chosen
}

function before(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!
  return false
}
