import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameCutter } from './frame-cutter.ts'

/** A binary frame as servers send it. */
function frame(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  head[0] = 0x82
  head[1] = head.length === 2 ? payload.length : head.length === 4 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(payload.length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

test('however frames arrive, nothing is lost and no piece goes over the end of one', () => {
  const sizes = fc.array(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), { maxLength: 6 })
  const cuts = fc.array(fc.constantFrom(1, 2, 3, 9, 1_000, 30_000), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(sizes, cuts, (lengths, steps) => {
      const frames = lengths.map((length, i) => frame(Buffer.alloc(length, i + 1)))
      const all = Buffer.concat(frames)
      const cutter = new FrameCutter()
      const pieces: Buffer[] = []
      for (let at = 0, i = 0; at < all.length; i++) {
        // Small steps where heads are, or the test would take as long as a slow connection.
        const size = i < 60 ? steps[i % steps.length]! : 30_000
        pieces.push(...cutter.cut(all.subarray(at, at + size)))
        at += size
      }
      expect(Buffer.concat(pieces).equals(all)).toBe(true)
      const ends = [0]
      for (const { length } of frames) ends.push(ends.at(-1)! + length)
      const over = [0]
      for (const { length } of pieces) over.push(over.at(-1)! + length)
      // Every end of a frame is an end of a piece.
      expect(ends.filter(end => !over.includes(end))).toEqual([])
    }),
    { numRuns: 40 },
  )
})
