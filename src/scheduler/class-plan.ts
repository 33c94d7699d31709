import { type BestRow, BestRows } from './best-rows.ts'
import type { ClusterState } from './cluster-state.ts'
import type { WeightedPlugin } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import type { NodeView } from './snapshot.ts'

/** A plugin that has a say about a pod, with what it prepared. */
export interface Active extends WeightedPlugin {
  state: unknown
}

/** A refusal: who, and in which words. */
export interface Refusal {
  id: number
  by: Active['plugin']
  reasons: readonly string[]
}

/** Gives each refusal a number, so that a node's is one cell of a column. 0: none. */
export class Refusals {
  readonly #list: (Refusal | undefined)[] = [undefined]
  readonly #ids = new Map<Active['plugin'], Map<string, number>>()
  /** Nodes in a row are often refused alike. */
  #last: { by: Active['plugin']; reason: string | string[]; id: number } | undefined

  id(by: Active['plugin'], reason: string | string[]): number {
    const last = this.#last
    if (last?.by === by && last.reason === reason) return last.id
    const key = typeof reason === 'string' ? reason : reason.join('\0')
    let ids = this.#ids.get(by)
    if (!ids) this.#ids.set(by, (ids = new Map()))
    let id = ids.get(key)
    if (id === undefined) {
      id = this.#list.push({ id: this.#list.length, by, reasons: [reason].flat() }) - 1
      ids.set(key, id)
    }
    this.#last = { by, reason, id }
    return id
  }

  get(id: number): Refusal {
    return this.#list[id]!
  }
}

export const noNode = -1

/** Those of the plugins that have a say about the pod. */
export function activate(plugins: readonly WeightedPlugin[], state: ClusterState, info: PodInfo): Active[] {
  const active: Active[] = []
  for (const weighted of plugins) {
    const prepared = weighted.plugin.prepare(info.pod, state, info)
    if (prepared !== undefined) active.push({ ...weighted, state: prepared })
  }
  return active
}

const scores = (a: Active) => a.plugin.score && a.weight > 0 && (a.plugin.scores?.(a.state) ?? true)

/**
 * All that rules which look at one node at a time say about one class of pods, for every node. Worked out once; afterwards
 * only the rows that changed are asked again.
 */
export class ClassPlan {
  /** By row: 0 fits, `noNode`, or the number of a refusal. */
  refusal = new Int32Array(0)
  /** By row: weighted sum of the scores that stand for themselves. */
  score = new Float64Array(0)
  /** Scores that count only in relation to those of the other nodes. */
  readonly relative: { active: Active; scores: Float64Array }[] = []
  readonly actives: readonly Active[]
  /** The only nodes that can do, if some plugin knows. */
  readonly candidates: ReadonlySet<string> | undefined
  readonly epoch: number
  readonly #filters: readonly Active[]
  /** Those at their beginning whose answer stands while nodes stay as they are, and the rest. */
  readonly #lasting: readonly Active[]
  readonly #changing: readonly Active[]
  /** By row: 1 where the lasting ones let the pod pass. */
  #passed = new Uint8Array(0)
  readonly #absolute: readonly Active[]
  /** Tables that scores look at. */
  readonly #read: readonly { version: number }[]
  /** One of those that stand for themselves looks at what is expected. */
  readonly #foresees: boolean
  readonly #state: ClusterState
  readonly #refusals: Refusals
  #best = new BestRows(this.refusal, this.score)
  #sequence = -1
  #scoreEpoch = -1
  #readVersion = -1

  constructor(plugins: readonly WeightedPlugin[], state: ClusterState, refusals: Refusals, info: PodInfo) {
    this.#state = state
    this.#refusals = refusals
    this.epoch = state.epoch
    this.actives = activate(plugins, state, info)
    this.candidates = intersection(this.actives)
    this.#filters = this.actives.filter(a => a.plugin.filter)
    const first = this.#filters.findIndex(a => !a.plugin.lasting)
    this.#lasting = first < 0 ? this.#filters : this.#filters.slice(0, first)
    this.#changing = this.#filters.slice(this.#lasting.length)
    const scoring = this.actives.filter(scores)
    this.#read = scoring.flatMap(a => a.plugin.scoresRead ?? []).map(table => state.objects[table])
    this.#absolute = scoring.filter(a => !a.plugin.normalize)
    this.#foresees = this.#absolute.some(a => a.plugin.foresees)
    for (const active of scoring)
      if (active.plugin.normalize) this.relative.push({ active, scores: new Float64Array(0) })
  }

  /** Brings the columns up to date. */
  refresh(): void {
    const { rows, sequence, scoreEpoch } = this.#state
    const readVersion = this.#readVersionNow()
    const priced = this.#scoreEpoch === scoreEpoch
    const read = this.#readVersion === readVersion
    if (this.#sequence === sequence && priced && read) return
    const changed = this.#sequence < 0 ? undefined : this.#state.changedSince(this.#sequence)
    if (!changed) {
      this.#makeRoom(rows)
      for (let row = 0; row < rows; row++) this.#judge(row)
      this.#rateAll()
    } else {
      for (const row of changed) if (this.#judge(row) === 0) this.#rate(row)
      if (!read) this.#rateAll()
      else if (!priced) this.#foresee()
    }
    this.#sequence = sequence
    this.#scoreEpoch = scoreEpoch
    this.#readVersion = readVersion
  }

  #makeRoom(rows: number): void {
    if (this.refusal.length >= rows) return
    this.refusal = new Int32Array(rows)
    this.score = new Float64Array(rows)
    this.#passed = new Uint8Array(rows)
    for (const r of this.relative) r.scores = new Float64Array(rows)
    this.#best = new BestRows(this.refusal, this.score)
  }

  /** The best node by the scores that stand for themselves, once up to date: the first from row `start` on, going round. */
  best(start: number): BestRow | undefined {
    return this.#best.from(start)
  }

  /** Grows whenever what nodes score may have changed though they have not. */
  #readVersionNow(): number {
    let sum = 0
    for (const { version } of this.#read) sum += version
    return sum
  }

  /** The number of the first refusal of the node, or 0. */
  refuse(node: NodeView): number {
    return firstRefusal(this.#filters, node, this.#refusals)
  }

  scoreOf(node: NodeView): number {
    let sum = 0
    for (const { plugin, state, weight } of this.#absolute) sum += weight * plugin.score!(state, node)
    return sum
  }

  /** @returns its refusal */
  #judge(row: number): number {
    this.#best.touch(row)
    const node = this.#state.row(row)
    if (!node) return (this.refusal[row] = noNode)
    const stands = this.#passed[row] ? 0 : firstRefusal(this.#lasting, node, this.#refusals)
    if (!stands) this.#passed[row] = 1
    return (this.refusal[row] = stands || firstRefusal(this.#changing, node, this.#refusals))
  }

  #rate(row: number): void {
    const node = this.#state.row(row)!
    this.score[row] = this.scoreOf(node)
    for (const { active, scores } of this.relative) scores[row] = active.plugin.score!(active.state, node)
  }

  #rateAll(): void {
    this.#sumAll()
    for (const one of this.relative) this.#relateAll(one)
  }

  /** What is expected is another: only who looks at it is asked again. */
  #foresee(): void {
    if (this.#foresees) this.#sumAll()
    for (const one of this.relative) if (one.active.plugin.foresees) this.#relateAll(one)
  }

  #sumAll(): void {
    const { rows } = this.#state
    for (let row = 0; row < rows; row++)
      if (this.refusal[row] === 0) this.score[row] = this.scoreOf(this.#state.row(row)!)
    this.#best.touchAll()
  }

  #relateAll({ active: { plugin, state }, scores }: ClassPlan['relative'][number]): void {
    const { rows } = this.#state
    if (plugin.scoreFitting) plugin.scoreFitting(state, this.refusal, scores, rows)
    else
      for (let row = 0; row < rows; row++)
        if (this.refusal[row] === 0) scores[row] = plugin.score!(state, this.#state.row(row)!)
  }
}

export function firstRefusal(filters: readonly Active[], node: NodeView, refusals: Refusals): number {
  for (const { plugin, state } of filters) {
    const reason = plugin.filter?.(state, node)
    if (reason !== undefined) return refusals.id(plugin, reason)
  }
  return 0
}

function intersection(actives: readonly Active[]): ReadonlySet<string> | undefined {
  let both: ReadonlySet<string> | undefined
  for (const { plugin, state } of actives) {
    const names = plugin.candidates?.(state)
    if (!names) continue
    const before = both
    both = before ? new Set([...before].filter(name => names.has(name))) : names
  }
  return both
}

export { scores as hasScores }
