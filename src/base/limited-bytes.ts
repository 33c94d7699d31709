/**
 * All bytes of a source, if they are not too many.
 * @param tooMany what is thrown beyond `maxBytes`; the source is left then
 */
export async function limitedBytes(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooMany: () => Error,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > maxBytes) throw tooMany()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
