import { randomBytes, randomUUID } from 'node:crypto'

/** Chance comes in through here, so that a failure can be replayed from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A version 4 UUID, lower case. */
  uuid(): string
  /** `length` unpredictable bytes; keys and tokens come from the system's source only. */
  bytes(length: number): Uint8Array
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: length => randomBytes(length),
}

/** The same sequence for the same seed (mulberry32). For tests and simulation, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(next() * 256))
  return {
    next,
    bytes,
    uuid() {
      const b = bytes(16)
      b[6] = (b[6]! & 0x0f) | 0x40
      b[8] = (b[8]! & 0x3f) | 0x80
      const hex = Buffer.from(b).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
  }
}

/** Letters and digits without vowels and look-alikes, as Kubernetes uses in generated names. */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A random name suffix such as `x7f2k`. */
export function nameSuffix(random: Random, length = 5): string {
  let out = ''
  for (let i = 0; i < length; i++) out += nameAlphabet[Math.floor(random.next() * nameAlphabet.length)]
  return out
}
