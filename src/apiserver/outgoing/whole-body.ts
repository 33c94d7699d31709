import type { Readable } from 'node:stream'
import { limitedBytes } from '../../base/limited-bytes.ts'
import { CallFailed } from './call-failed.ts'

/** All bytes of an answer. @throws CallFailed when there is more than `maxBytes`, the signal's reason when it aborts */
export async function wholeBody(body: Readable, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const stop = () => body.destroy(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await limitedBytes(body, maxBytes, () => new CallFailed(`the answer is longer than ${maxBytes} bytes`))
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
