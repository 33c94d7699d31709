import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { addRules, claimsOf, emptyRules, type RuleSet } from './rule-set.ts'
import { planServiceRules, type RuleInput } from './service-rules.ts'

export interface PieceSource {
  /** `namespace/name` of all Services. */
  ids(): Iterable<string>
  service(id: string): Service | undefined
  slices(id: string): readonly EndpointSlice[]
  /** What the rules depend on besides. */
  rest(): Omit<RuleInput, 'services' | 'slices'>
}

/** The parts of two states that may differ; all else is the same in both. */
export interface RuleChange {
  before: RuleSet
  after: RuleSet
}

/**
 * The rules of each Service by itself, so that a change costs what changed, however many Services there are. Where Services
 * claim the same address or port, those that are touched are looked at together.
 */
export class RulePieces {
  readonly #source: PieceSource
  readonly #pieces = new Map<string, RuleSet>()
  /** Who claims an address or port. */
  readonly #claims = new Map<string, Set<string>>()
  /** How many pieces have a part that several may have. */
  readonly #users = new Map<string, number>()
  #touched = new Set<string>()

  constructor(source: PieceSource) {
    this.#source = source
  }

  /** Something about this Service is different. */
  touch(id: string): void {
    this.#touched.add(id)
  }

  touchAll(): void {
    for (const id of [...this.#source.ids(), ...this.#pieces.keys()]) this.#touched.add(id)
  }

  /** Plans what was touched anew. */
  refresh(): RuleChange {
    const touched = this.#touched
    this.#touched = new Set()
    const concerned = new Set(touched)
    const gather = (piece: RuleSet | undefined) => {
      for (const claim of piece ? claimsOf(piece) : [])
        for (const id of this.#claims.get(claim) ?? []) concerned.add(id)
    }
    for (const id of touched) gather(this.#pieces.get(id))
    const next = new Map([...touched].map(id => [id, this.#plan(id)] as const))
    for (const piece of next.values()) gather(piece)
    const before = this.#merged(concerned)
    for (const piece of next.values()) if (piece) this.#addShared(before, piece)
    for (const [id, piece] of next) this.#put(id, piece)
    const after = this.#merged(concerned)
    this.#addShared(after, before)
    return { before, after }
  }

  /** What of `from` several may have and somebody has: it neither comes nor goes. */
  #addShared(to: RuleSet, from: RuleSet): void {
    for (const [name, rules] of from.shared) if (this.#users.has(name)) to.shared.set(name, rules)
    for (const pair of from.hairpins) if (this.#users.has(pair)) to.hairpins.add(pair)
  }

  /** All of it. */
  whole(): RuleSet {
    return this.#merged(this.#pieces.keys())
  }

  #plan(id: string): RuleSet | undefined {
    const service = this.#source.service(id)
    return service && planServiceRules({ ...this.#source.rest(), services: [service], slices: this.#source.slices(id) })
  }

  #put(id: string, piece: RuleSet | undefined): void {
    for (const claim of claimsOf(this.#pieces.get(id) ?? emptyRules())) {
      const others = this.#claims.get(claim)
      others?.delete(id)
      if (!others?.size) this.#claims.delete(claim)
    }
    this.#use(this.#pieces.get(id), -1)
    this.#use(piece, 1)
    if (!piece) return void this.#pieces.delete(id)
    this.#pieces.set(id, piece)
    for (const claim of claimsOf(piece)) {
      const others = this.#claims.get(claim)
      if (others) others.add(id)
      else this.#claims.set(claim, new Set([id]))
    }
  }

  #use(piece: RuleSet | undefined, more: 1 | -1): void {
    for (const part of piece ? [...piece.shared.keys(), ...piece.hairpins] : []) {
      const users = (this.#users.get(part) ?? 0) + more
      if (users) this.#users.set(part, users)
      else this.#users.delete(part)
    }
  }

  /** In one order always, so that of two claims the same one holds in every state. */
  #merged(ids: Iterable<string>): RuleSet {
    const out = emptyRules()
    for (const id of [...ids].sort()) {
      const piece = this.#pieces.get(id)
      if (piece) addRules(out, piece)
    }
    return out
  }
}
