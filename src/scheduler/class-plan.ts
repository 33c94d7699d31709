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

/** Looking for those that are there twice costs more than asking them twice. */
const fewRows = 4

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
  readonly #state: ClusterState
  readonly #refusals: Refusals
  #best = new BestRows(this.refusal, this.score)
  #sequence = -1
  #scoreEpoch = -1

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
    for (const active of scoring)
      if (active.plugin.normalize) this.relative.push({ active, scores: new Float64Array(0) })
  }

  /** Brings the columns up to date. */
  refresh(): void {
    const { rows, sequence } = this.#state
    const scoreEpoch = this.#scoreEpochNow()
    const priced = this.#scoreEpoch === scoreEpoch
    if (this.#sequence === sequence && priced) return
    const changed = this.#sequence < 0 ? undefined : distinct(this.#state.changedSince(this.#sequence))
    if (!changed || changed.length > rows) {
      if (this.refusal.length < rows) {
        this.refusal = new Int32Array(rows)
        this.score = new Float64Array(rows)
        this.#passed = new Uint8Array(rows)
        for (const r of this.relative) r.scores = new Float64Array(rows)
        this.#best = new BestRows(this.refusal, this.score)
      }
      for (let row = 0; row < rows; row++) this.#evaluate(row)
    } else {
      for (const row of changed) this.#evaluate(row)
      if (!priced) {
        for (let row = 0; row < rows; row++) if (this.refusal[row] === 0) this.#rate(row)
        this.#best.touchAll()
      }
    }
    this.#sequence = sequence
    this.#scoreEpoch = scoreEpoch
  }

  /** The best node by the scores that stand for themselves, once up to date: the first from row `start` on, going round. */
  best(start: number): BestRow | undefined {
    return this.#best.from(start)
  }

  /** Grows whenever what nodes score may have changed though they have not. */
  #scoreEpochNow(): number {
    let epoch = this.#state.scoreEpoch
    for (const { version } of this.#read) epoch += version
    return epoch
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

  #evaluate(row: number): void {
    this.#best.touch(row)
    const node = this.#state.row(row)
    if (!node) {
      this.refusal[row] = noNode
      return
    }
    const stands = this.#passed[row] ? 0 : firstRefusal(this.#lasting, node, this.#refusals)
    if (!stands) this.#passed[row] = 1
    const refusal = stands || firstRefusal(this.#changing, node, this.#refusals)
    this.refusal[row] = refusal
    if (!refusal) this.#rate(row)
  }

  #rate(row: number): void {
    const node = this.#state.row(row)!
    this.score[row] = this.scoreOf(node)
    for (const { active, scores } of this.relative) scores[row] = active.plugin.score!(active.state, node)
  }
}

/** Of many changes, several may be of one row. */
const distinct = (rows: readonly number[] | undefined) => (rows && rows.length > fewRows ? [...new Set(rows)] : rows)

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
