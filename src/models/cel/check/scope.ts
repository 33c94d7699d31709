import type { Library } from '../library/function.ts'
import type { CelType } from '../types.ts'
import type { Value } from '../values/value.ts'

/** What a name stands for: something bound when the expression runs, a variable of a loop, or a constant. */
export type Named =
  | { kind: 'variable'; name: string; type: CelType }
  | { kind: 'local'; name: string; type: CelType }
  | { kind: 'constant'; type: CelType; value: Value }

/** The names that an expression may use where it stands. */
export class Scope {
  readonly functions: Library
  /** Names are looked for here first: `x` in container `a.b` is `a.b.x`, `a.x` or `x`. */
  readonly container: string
  readonly #globals: ReadonlyMap<string, Named>
  readonly #locals: Map<string, Named>[] = []

  constructor(globals: ReadonlyMap<string, Named>, functions: Library, container = '') {
    this.#globals = globals
    this.functions = functions
    this.container = container
  }

  enter(locals: [string, CelType][]): void {
    this.#locals.push(new Map(locals.map(([name, type]) => [name, { kind: 'local', name, type }])))
  }

  leave(): void {
    this.#locals.pop()
  }

  find(name: string): Named | undefined {
    if (name.startsWith('.')) return this.#globals.get(name.slice(1))
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i]!.get(name)
      if (local) return local
    }
    for (const candidate of this.#candidates(name)) {
      const found = this.#globals.get(candidate)
      if (found) return found
    }
    return undefined
  }

  /** True if the first name of a dotted row is a variable of a loop around it. */
  isLocal(name: string): boolean {
    return this.#locals.some(locals => locals.has(name))
  }

  findFunction(name: string): string | undefined {
    if (name.startsWith('.')) return this.functions.has(name.slice(1)) ? name.slice(1) : undefined
    return this.#candidates(name).find(candidate => this.functions.has(candidate))
  }

  #candidates(name: string): string[] {
    if (!this.container) return [name]
    const parts = this.container.split('.')
    return [...parts.map((_, i) => `${parts.slice(0, parts.length - i).join('.')}.${name}`), name]
  }
}
