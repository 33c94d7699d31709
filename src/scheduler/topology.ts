import type { PodClass } from './pod-class.ts'
import type { CounterRule, NodeView } from './snapshot.ts'

/** The values of one node label as small numbers: `domainOf[node.index]`, −1 where the label is missing. */
export class TopologyColumn {
  readonly key: string
  domainOf: Int32Array
  readonly values: string[] = []
  readonly #ids = new Map<string, number>()

  constructor(key: string, nodes: readonly NodeView[], rows: number) {
    this.key = key
    this.domainOf = new Int32Array(rows).fill(-1)
    for (const node of nodes) {
      const value = Object.hasOwn(node.labels, key) ? node.labels[key] : undefined
      if (value !== undefined) this.domainOf[node.index] = this.#id(value)
    }
  }

  /** Gives rows that are still 0 and in no domain the number. */
  refuseMissing(verdicts: Int32Array, number: number): void {
    const { domainOf } = this
    for (let row = 0; row < verdicts.length; row++) if (!verdicts[row] && domainOf[row]! < 0) verdicts[row] = number
  }

  #id(value: string): number {
    let id = this.#ids.get(value)
    if (id === undefined) this.#ids.set(value, (id = this.values.push(value) - 1))
    return id
  }
}

/** How many pods (weighted) of the classes it is for are in each domain; kept up to date as pods come and go. */
export class PodCounter {
  readonly rule: CounterRule
  readonly column: TopologyColumn
  /** By domain. */
  readonly counts: Float64Array
  /** 1 for domains that have an eligible node. */
  readonly domains: Uint8Array
  /** How many those are. */
  readonly size: number
  /** Sum of what is counted, on nodes with the label. */
  total = 0
  readonly #eligible: Uint8Array | undefined
  readonly #weights = new Map<number, number>()

  constructor(rule: CounterRule, column: TopologyColumn, nodes: readonly NodeView[]) {
    this.rule = rule
    this.column = column
    this.counts = new Float64Array(column.values.length)
    this.domains = new Uint8Array(column.values.length)
    this.#eligible = rule.eligible ? new Uint8Array(column.domainOf.length) : undefined
    let size = 0
    for (const node of nodes) {
      const domain = column.domainOf[node.index]!
      if (domain < 0) continue
      if (this.#eligible) {
        if (!rule.eligible!(node)) continue
        this.#eligible[node.index] = 1
      }
      if (!this.domains[domain]) {
        this.domains[domain] = 1
        size++
      }
      for (const pod of node.placed) this.add(node.index, pod.class, 1)
    }
    this.size = size
  }

  /** @param sign 1 when a pod of the class came to the node, −1 when it left */
  add(index: number, podClass: PodClass, sign: number): void {
    const weight = this.#weightOf(podClass)
    if (!weight) return
    const domain = this.column.domainOf[index]!
    if (domain < 0 || (this.#eligible && !this.#eligible[index])) return
    this.counts[domain]! += sign * weight
    this.total += sign * weight
  }

  /** What is counted in the node's domain; −1 if it is in none. */
  at(index: number): number {
    const domain = this.column.domainOf[index]!
    return domain < 0 ? -1 : this.counts[domain]!
  }

  /** Gives rows that are still 0 and in a domain with more than `limit` the number. */
  refuseAbove(limit: number, verdicts: Int32Array, number: number): void {
    const { counts } = this
    const { domainOf } = this.column
    for (let row = 0; row < verdicts.length; row++) {
      if (verdicts[row]) continue
      const domain = domainOf[row]!
      if (domain >= 0 && counts[domain]! > limit) verdicts[row] = number
    }
  }

  /** Gives rows that are still 0 and in a domain without any, or in none, the number. */
  refuseEmpty(verdicts: Int32Array, number: number): void {
    const { counts } = this
    const { domainOf } = this.column
    for (let row = 0; row < verdicts.length; row++) {
      if (verdicts[row]) continue
      const domain = domainOf[row]!
      if (domain < 0 || counts[domain]! <= 0) verdicts[row] = number
    }
  }

  /** Adds the count of each node's domain, times `weight`, to scores[i] of nodes[i]. */
  addTo(scores: Float64Array, nodes: readonly NodeView[], weight: number): void {
    const { counts } = this
    const { domainOf } = this.column
    for (let i = 0; i < nodes.length; i++) {
      const domain = domainOf[nodes[i]!.index]!
      if (domain >= 0) scores[i]! += counts[domain]! * weight
    }
  }

  /** The smallest count of any domain that has an eligible node; 0 if there is none. */
  minimum(): number {
    let min = Number.POSITIVE_INFINITY
    const { counts, domains } = this
    for (let d = 0; d < counts.length; d++) if (domains[d] && counts[d]! < min) min = counts[d]!
    return min === Number.POSITIVE_INFINITY ? 0 : min
  }

  #weightOf(podClass: PodClass): number {
    let weight = this.#weights.get(podClass.id)
    if (weight === undefined) {
      if (this.#weights.size > 10_000) this.#weights.clear()
      this.#weights.set(podClass.id, (weight = this.rule.weigh(podClass)))
    }
    return weight
  }
}
