import type { Readable } from 'node:stream'
import { CallFailed } from './call-failed.ts'

/** All bytes of an answer. @throws CallFailed when there is more than `maxBytes`, the signal's reason when it aborts */
export async function wholeBody(body: Readable, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const stop = () => body.destroy(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw new CallFailed(`the answer is longer than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return Buffer.concat(chunks)
}
