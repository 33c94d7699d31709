import { copiedBytes, Slice, type Sliced } from '../../base/slices.ts'

/** All pieces in one buffer; each byte is copied once. */
export function* joined(pieces: readonly (string | Uint8Array)[]): Sliced<Buffer> {
  let length = 0
  for (const piece of pieces) length += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length
  const out = Buffer.allocUnsafe(length)
  const slice = new Slice(copiedBytes)
  let at = 0
  for (const piece of pieces) {
    const before = at
    if (typeof piece === 'string') at += out.write(piece, at)
    else {
      out.set(piece, at)
      at += piece.length
    }
    if (slice.fills(at - before)) yield
  }
  return out
}
