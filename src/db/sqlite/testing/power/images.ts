import { type Random, seededRandom } from '../../../../base/random.ts'

/** What a recorded process did to one file, or said. */
export type Operation =
  | { type: 'write'; file: string; offset: number; data: Buffer }
  | { type: 'truncate'; file: string; size: number }
  | { type: 'syncs' | 'synced'; file: string; sync: number }

/** Reads what the shim wrote. */
export function readOperations(log: Buffer): Operation[] {
  const operations: Operation[] = []
  for (let at = 0; at + 32 <= log.length; ) {
    const [type, pathLength, length, offset] = [0, 8, 16, 24].map(i => Number(log.readBigUInt64LE(at + i)))
    const file = log.toString('utf8', at + 32, at + 32 + pathLength!)
    const start = at + 32 + pathLength!
    const data = log.subarray(start, start + length!)
    at = start + length!
    if (type === 0x77) operations.push({ type: 'write', file, offset: offset!, data })
    else if (type === 0x74) operations.push({ type: 'truncate', file, size: offset! })
    else operations.push({ type: type === 0x62 ? 'syncs' : 'synced', file, sync: offset! })
  }
  return operations
}

const sectorBytes = 512

/** A file as the disk has it, and what it may or may not have. */
class RecordedFile {
  #durable = Buffer.alloc(0)
  #size = 0
  #pending: Operation[] = []
  /** How many were carried out. */
  #done = 0
  /** Of each sync that has begun, by its number, how many operations were before it. */
  readonly #before = new Map<number, number>()

  apply(operation: Operation): void {
    if (operation.type === 'syncs') this.#before.set(operation.sync, this.#done + this.#pending.length)
    else if (operation.type === 'synced') this.#synced(operation.sync)
    else this.#pending.push(operation)
  }

  #synced(sync: number): void {
    const durable = this.#pending.splice(0, Math.max(0, this.#before.get(sync)! - this.#done))
    for (const pending of durable) this.#carryOut(pending)
    this.#done += durable.length
    this.#before.delete(sync)
  }

  /** What could be found after the power went: everything synced, and of the rest whatever chance says, sector by sector. */
  afterLoss(random: Random): Buffer {
    const image = new RecordedFile()
    image.#durable = Buffer.from(this.#durable)
    image.#size = this.#size
    const mode = random.next()
    const reached = Math.floor(random.next() * (this.#pending.length + 1))
    for (const [i, operation] of this.#pending.entries()) {
      // All lost; all there; all up to some point; or any of them, in any part.
      const there = mode < 0.15 ? false : mode < 0.3 ? true : mode < 0.6 ? i < reached : random.next() < 0.6
      if (!there) continue
      if (operation.type === 'write' && mode >= 0.3) image.#tear(operation, random, mode < 0.6 && i < reached - 1)
      else image.#carryOut(operation)
    }
    return image.#durable.subarray(0, image.#size)
  }

  #tear(operation: Operation & { type: 'write' }, random: Random, whole: boolean): void {
    for (let at = 0; at < operation.data.length; at += sectorBytes) {
      if (!whole && random.next() < 0.3) continue
      const data = operation.data.subarray(at, at + sectorBytes)
      this.#carryOut({ ...operation, offset: operation.offset + at, data })
    }
  }

  #carryOut(operation: Operation): void {
    if (operation.type === 'truncate') {
      this.#grow(operation.size)
      this.#durable.fill(0, operation.size, this.#size)
      this.#size = operation.size
      return
    }
    if (operation.type !== 'write') return
    const end = operation.offset + operation.data.length
    this.#grow(end)
    operation.data.copy(this.#durable, operation.offset)
    this.#size = Math.max(this.#size, end)
  }

  #grow(size: number): void {
    if (size <= this.#durable.length) return
    const larger = Buffer.alloc(Math.max(size, this.#durable.length * 2))
    this.#durable.copy(larger)
    this.#durable = larger
  }
}

export interface Said {
  key: string
  revision: number
  value: string
}

export interface CrashImage {
  /** Contents by path. */
  files: Map<string, Buffer>
  /** What had been acknowledged or published by then. */
  said: Said[]
}

/** `count` moments at which the power went, in order, each with what the disk may have had. */
export function* crashImages(
  operations: readonly Operation[],
  count: number,
  seed: number,
): Generator<CrashImage, void, undefined> {
  const random = seededRandom(seed)
  const moments = Array.from({ length: count }, () => Math.floor(random.next() * operations.length)).sort(
    (a, b) => a - b,
  )
  const files = new Map<string, RecordedFile>()
  const said: Said[] = []
  let next = 0
  for (const moment of moments) {
    for (; next <= moment; next++) {
      const operation = operations[next]!
      if (operation.file.endsWith('.acks')) {
        if (operation.type === 'write') said.push(...linesOf(operation.data))
        continue
      }
      let file = files.get(operation.file)
      if (!file) files.set(operation.file, (file = new RecordedFile()))
      file.apply(operation)
    }
    yield { files: new Map([...files].map(([path, file]) => [path, file.afterLoss(random)])), said: [...said] }
  }
}

function linesOf(data: Buffer): Said[] {
  const lines = data.toString().split('\n').filter(Boolean)
  return lines.map(line => {
    const [, key, revision, value] = line.split(' ')
    return { key: key!, revision: Number(revision), value: value! }
  })
}
