/** By column of the resource table: milli-CPU, bytes, whole units. */
export type Amounts = ReadonlyMap<number, number>

/** What one Queue says. */
export interface QueueRules {
  name: string
  /** Undefined: it neither lends nor borrows. */
  cohort: string | undefined
  /** Guaranteed; resources that are not named are not limited. */
  quota: Amounts
  /** How much beyond the quota, where it is named. */
  borrowingLimit: Amounts
  weight: number
  backfill: 'Expected' | 'Always' | 'Never'
  reclaim: 'Never' | 'LowerPriority' | 'Any'
  hold: boolean
}

/** What starts together: a gang, or one pod. */
export interface Unit {
  key: string
  queue: string
  need: Amounts
  priority: number
  /** Order of arrival. */
  order: number
  /** How long it is expected to run, in milliseconds. */
  durationMs: number
  /** The nodes had no room for it when it was tried, although there seemed to be. */
  blocked: boolean
}

/** What has started, with when it is expected to end. */
export interface Started {
  key: string
  queue: string
  need: Amounts
  priority: number
  sinceMs: number
  endsMs: number
  /** It has been told to end, to give back what it had borrowed. */
  ending: boolean
}

/** Why a unit does not start. `short`: how much of the resource is missing. */
export type Wait =
  | { for: 'queue' | 'hold' }
  | { for: 'quota' | 'cohort' | 'room'; column: number; short: number }
  | { for: 'nodes' }
  | { for: 'line'; behind: string }

/** Sums of what queues use, and what the nodes have free. */
export class Ledger {
  readonly #queues: ReadonlyMap<string, QueueRules>
  readonly #used: Map<string, Map<number, number>>
  readonly #free: Map<number, number>

  constructor(queues: ReadonlyMap<string, QueueRules>, free: Amounts, started: readonly Started[]) {
    this.#queues = queues
    this.#used = new Map()
    this.#free = new Map(free)
    for (const { queue, need } of started) this.#use(queue, need, 1)
  }

  copy(): Ledger {
    const copy = new Ledger(this.#queues, this.#free, [])
    for (const [queue, used] of this.#used) copy.#used.set(queue, new Map(used))
    return copy
  }

  /** Undefined: it may start. */
  check({ queue, need }: Pick<Unit, 'queue' | 'need'>): Wait | undefined {
    const rules = this.#queues.get(queue)
    if (!rules) return { for: 'queue' }
    if (rules.hold) return { for: 'hold' }
    for (const [column, amount] of need) {
      if (!amount || !this.#governed(rules, column)) continue
      const over = this.used(queue, column) + amount - (rules.quota.get(column) ?? 0)
      const limit = rules.cohort === undefined ? 0 : (rules.borrowingLimit.get(column) ?? Number.POSITIVE_INFINITY)
      if (over > limit) return { for: 'quota', column, short: over - limit }
      const spare = this.spare(rules, column)
      if (amount > spare) return { for: 'cohort', column, short: amount - spare }
    }
    for (const [column, amount] of need) {
      const free = this.#free.get(column) ?? 0
      if (amount > free) return { for: 'room', column, short: amount - free }
    }
    return undefined
  }

  /** With this unit the queue uses more than it is guaranteed. */
  borrows({ queue, need }: Pick<Unit, 'queue' | 'need'>): boolean {
    const rules = this.#queues.get(queue)!
    return [...need].some(
      ([c, amount]) => this.#governed(rules, c) && this.used(queue, c) + amount > (rules.quota.get(c) ?? 0),
    )
  }

  /** How much of its quota of the resource the queue exceeds; below 0 if it does not. */
  excess(queue: string, column: number): number {
    const rules = this.#queues.get(queue)
    return rules && this.#governed(rules, column) ? this.used(queue, column) - (rules.quota.get(column) ?? 0) : 0
  }

  used(queue: string, column: number): number {
    return this.#used.get(queue)?.get(column) ?? 0
  }

  usedBy(queue: string): Amounts {
    return this.#used.get(queue) ?? new Map()
  }

  /** What is left of the resource in the queue's cohort, or in the queue if it is alone. */
  spare(rules: QueueRules, column: number): number {
    let spare = 0
    for (const mate of this.#mates(rules)) spare += (mate.quota.get(column) ?? 0) - this.used(mate.name, column)
    return spare
  }

  /** The queue's largest part of any resource of its cohort, before its weight: 0 … 1. */
  share(queue: string): number {
    const rules = this.#queues.get(queue)
    if (!rules) return 0
    let most = 0
    for (const [column, used] of this.usedBy(queue)) {
      let whole = 0
      for (const mate of this.#mates(rules)) whole += mate.quota.get(column) ?? 0
      if (whole > 0) most = Math.max(most, used / whole)
    }
    return most
  }

  take({ queue, need }: Pick<Unit, 'queue' | 'need'>): void {
    this.#use(queue, need, 1)
    for (const [column, amount] of need) this.#free.set(column, (this.#free.get(column) ?? 0) - amount)
  }

  give({ queue, need }: Pick<Unit, 'queue' | 'need'>): void {
    this.#use(queue, need, -1)
    for (const [column, amount] of need) this.#free.set(column, (this.#free.get(column) ?? 0) + amount)
  }

  #use(queue: string, need: Amounts, sign: 1 | -1): void {
    const used = this.#used.get(queue) ?? new Map<number, number>()
    this.#used.set(queue, used)
    for (const [column, amount] of need) used.set(column, (used.get(column) ?? 0) + sign * amount)
  }

  #mates(rules: QueueRules): QueueRules[] {
    if (rules.cohort === undefined) return [rules]
    return [...this.#queues.values()].filter(q => q.cohort === rules.cohort)
  }

  #governed(rules: QueueRules, column: number): boolean {
    return rules.quota.has(column) || this.#mates(rules).some(q => q.quota.has(column))
  }
}
