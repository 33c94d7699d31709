import { Failure } from '../errors.ts'
import type { Value } from '../values/value.ts'
import { attempt, type Frame, type Run } from './frame.ts'

export interface Local {
  slot: number
  /** Computed when first looked at. */
  init?: Run
}

/** Which names stand where in a frame while a tree is compiled. */
export class Scope {
  readonly #globals = new Map<string, number>()
  readonly #locals = new Map<string, Local[]>()
  #slots = 0

  newSlot(): number {
    return this.#slots++
  }

  globalSlot(name: string): number {
    if (!this.#globals.has(name)) this.#globals.set(name, this.newSlot())
    return this.#globals.get(name)!
  }

  /** The innermost of this name. */
  local(name: string): Local {
    return this.#locals.get(name)!.at(-1)!
  }

  /** What `compile` makes where these names are known. */
  with<T>(locals: [string, Local][], compile: () => T): T {
    for (const [name, local] of locals) this.#locals.set(name, [...(this.#locals.get(name) ?? []), local])
    const compiled = compile()
    for (const [name] of locals) this.#locals.get(name)!.pop()
    return compiled
  }
}

export function localValue({ slot, init }: Local, cost: number): Run {
  return frame => {
    frame.charge(cost)
    if (frame.slots[slot] === undefined && init) frame.slots[slot] = attempt(init, frame)
    return valueAt(frame, slot)
  }
}

/** A value that is computed once, but costs each time what it has cost; that is kept in the slot after its own. */
export function countedValue({ slot, init }: Local): Run {
  const costSlot = slot + 1
  return frame => {
    if (frame.slots[slot] === undefined) {
      const before = frame.cost
      frame.slots[slot] = attempt(init!, frame)
      frame.slots[costSlot] = BigInt(frame.cost - before)
    } else frame.charge(Number(frame.slots[costSlot]))
    return valueAt(frame, slot)
  }
}

function valueAt(frame: Frame, slot: number): Value {
  const value = frame.slots[slot]
  if (value instanceof Failure) throw value
  return value!
}
