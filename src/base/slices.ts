import { afterThisTurn } from './clock.ts'

/** Long work, written so that others need not wait for its end: it yields wherever they may have their turn. */
export type Sliced<T> = Generator<void, T, void>

/** Does it at once if it never yields; else slice by slice, each after a turn of everybody else. */
export function inSlices<T>(work: Sliced<T>): T | Promise<T> {
  const first = work.next()
  return first.done ? first.value : sliceBySlice(work)
}

async function sliceBySlice<T>(work: Sliced<T>): Promise<T> {
  for (;;) {
    await new Promise<void>(afterThisTurn)
    const next = work.next()
    if (next.done) return next.value
  }
}

/** What an element costs beside its bytes, reckoned in bytes. */
const elementBytes = 256

/** Says when so many bytes were worked on that it is the others' turn. Bytes and not time: so a slice is the same wherever it runs. */
export class Slice {
  readonly #bytes: number
  #left: number

  constructor(bytes: number) {
    this.#bytes = bytes
    this.#left = bytes
  }

  /** Whether the slice is full with an element of so many bytes; the next one begins then. */
  fills(bytes: number): boolean {
    this.#left -= bytes + elementBytes
    if (this.#left > 0) return false
    this.#left = this.#bytes
    return true
  }
}

/** Bytes that are parsed or encoded in one slice: some 5 ms. */
export const workedBytes = 1 << 20
/** Bytes that are copied in one slice: a few milliseconds, most of them for memory that is new. */
export const copiedBytes = 4 << 20
