import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { emptyRules, planServiceRules, type RuleInput, type RuleSet } from './service-rules.ts'

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
    for (const [id, piece] of next) this.#put(id, piece)
    return { before, after: this.#merged(concerned) }
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
    if (!piece) return void this.#pieces.delete(id)
    this.#pieces.set(id, piece)
    for (const claim of claimsOf(piece)) {
      const others = this.#claims.get(claim)
      if (others) others.add(id)
      else this.#claims.set(claim, new Set([id]))
    }
  }

  /** In one order always, so that of two claims the same one holds in every state. */
  #merged(ids: Iterable<string>): RuleSet {
    const out = emptyRules()
    for (const id of [...ids].sort()) {
      const piece = this.#pieces.get(id)
      if (!piece) continue
      for (const part of ['chains', 'sets', 'clusterIps', 'nodePorts'] as const)
        for (const [key, value] of piece[part] as Map<string, any>) (out[part] as Map<string, any>).set(key, value)
      for (const key of piece.withoutEndpoints) out.withoutEndpoints.add(key)
    }
    return out
  }
}

function claimsOf({ clusterIps, nodePorts, withoutEndpoints }: RuleSet): string[] {
  return [...clusterIps.keys(), ...nodePorts.keys(), ...withoutEndpoints]
}
