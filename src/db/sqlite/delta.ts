/*
 * Most changes of an object are of a time, a condition, a counter. Such a change is kept as its difference from an earlier
 * whole value of the same key: copies of pieces of that value, and what stands between them. One step back is always
 * enough, so that a read never follows a chain.
 */

/** What is shorter gains nothing. */
const shortestBytes = 200
/** A difference is kept if it is at most this part of the value. */
const worthShare = 0.5
/** So many equal bytes are taken as the same piece. */
const anchorBytes = 12
const relatedLooks = 4
/** How far a changed piece may reach before the rest is taken as new. */
const searchBytes = 768

/** The difference that makes `next` out of `base`; undefined if it would not save much. */
export function encodeDelta(base: Uint8Array, next: Uint8Array): Uint8Array | undefined {
  if (next.length < shortestBytes || base.length < shortestBytes) return undefined
  const writer = new DeltaWriter(base, next, Math.floor(next.length * worthShare))
  return writer.related ? writer.write() : undefined
}

/** The inverse of `encodeDelta`. @throws RangeError if this is no difference from `base` */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  const whole = new Uint8Array(lengthOf(base, delta))
  const reader = new Numbers(delta)
  for (let at = 0; reader.at < delta.length; ) {
    at = copy(base, reader.next(), reader.next(), whole, at)
    const inserted = reader.next()
    at = copy(delta, reader.at, inserted, whole, at)
    reader.at += inserted
  }
  return whole
}

/** Of the value that the difference makes; all that it copies is there. */
function lengthOf(base: Uint8Array, delta: Uint8Array): number {
  const reader = new Numbers(delta)
  let length = 0
  while (reader.at < delta.length) {
    const from = reader.next()
    const copied = reader.next()
    const inserted = reader.next()
    if (from + copied > base.length || reader.at + inserted > delta.length)
      throw new RangeError('the difference does not fit the value that it is of')
    reader.at += inserted
    length += copied + inserted
  }
  return length
}

/** What is this short is copied faster byte by byte. */
const fewBytes = 32

function copy(source: Uint8Array, from: number, length: number, target: Uint8Array, at: number): number {
  if (length > fewBytes) target.set(source.subarray(from, from + length), at)
  else for (let i = 0; i < length; i++) target[at + i] = source[from + i]!
  return at + length
}

const nothing = Buffer.alloc(0)

class DeltaWriter {
  readonly #base: Buffer
  readonly #next: Buffer
  readonly #limit: number
  #out: Buffer = nothing
  #size = 0

  constructor(base: Uint8Array, next: Uint8Array, limit: number) {
    this.#base = Buffer.from(base.buffer, base.byteOffset, base.length)
    this.#next = Buffer.from(next.buffer, next.byteOffset, next.length)
    this.#limit = limit
  }

  /** Whether both have anything in common: begin or end alike, and a few looks; so that what has not costs little. */
  get related(): boolean {
    const [base, next] = [this.#base, this.#next]
    if (!this.#alike(0, 0) && !this.#alike(base.length - anchorBytes, next.length - anchorBytes)) return false
    for (let part = 1; part <= relatedLooks; part++)
      if (this.#indexIn(next, 0, base, Math.floor(((base.length - anchorBytes) * part) / (relatedLooks + 1))) >= 0)
        return true
    return false
  }

  write(): Uint8Array | undefined {
    const next = this.#next
    this.#out = Buffer.allocUnsafe(this.#limit)
    let inBase = 0
    let inNext = 0
    while (inNext < next.length) {
      const same = this.#equalFrom(inBase, inNext)
      const from = inBase
      inBase += same
      inNext += same
      const found = inNext < next.length ? this.#findAgain(inBase, inNext) : { inBase, inNext }
      if (!this.#put(from, same, inNext, found.inNext)) return undefined
      inBase = found.inBase
      inNext = found.inNext
    }
    return new Uint8Array(this.#out.subarray(0, this.#size))
  }

  /** Where both go on alike after a difference; the end of both if that is not near. */
  #findAgain(inBase: number, inNext: number): { inBase: number; inNext: number } {
    const [base, next] = [this.#base, this.#next]
    // As long as before: a time, a number.
    for (let k = 1; k < 64; k++)
      if (this.#alike(inBase + k, inNext + k)) return { inBase: inBase + k, inNext: inNext + k }
    for (let k = 0; k < searchBytes; k += anchorBytes) {
      const longer = inBase + k + anchorBytes <= base.length ? this.#indexIn(next, inNext, base, inBase + k) : -1
      if (longer >= 0) return { inBase: inBase + k, inNext: longer }
      const shorter = inNext + k + anchorBytes <= next.length ? this.#indexIn(base, inBase, next, inNext + k) : -1
      if (shorter >= 0) return { inBase: shorter, inNext: inNext + k }
    }
    return { inBase: base.length, inNext: next.length }
  }

  #indexIn(where: Buffer, from: number, what: Buffer, at: number): number {
    return where.indexOf(what.subarray(at, at + anchorBytes), from)
  }

  #alike(inBase: number, inNext: number): boolean {
    if (inBase + anchorBytes > this.#base.length || inNext + anchorBytes > this.#next.length) return false
    for (let i = 0; i < anchorBytes; i++) if (this.#base[inBase + i] !== this.#next[inNext + i]) return false
    return true
  }

  #equalFrom(inBase: number, inNext: number): number {
    const [base, next] = [this.#base, this.#next]
    const most = Math.min(base.length - inBase, next.length - inNext)
    let same = 0
    while (same < most && base[inBase + same] === next[inNext + same]) same++
    return same
  }

  /** A copy, then what is new up to `end`. */
  #put(from: number, length: number, start: number, end: number): boolean {
    const inserted = end - start
    if (!this.#number(from) || !this.#number(length) || !this.#number(inserted)) return false
    if (this.#size + inserted > this.#out.length) return false
    this.#size += this.#next.copy(this.#out, this.#size, start, end)
    return true
  }

  /** In groups of seven bits, the last one without the high bit. */
  #number(value: number): boolean {
    let rest = value
    while (rest >= 0x80) {
      if (this.#size >= this.#out.length) return false
      this.#out[this.#size++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    if (this.#size >= this.#out.length) return false
    this.#out[this.#size++] = rest
    return true
  }
}

class Numbers {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError('the difference ends too early')
  }
}
