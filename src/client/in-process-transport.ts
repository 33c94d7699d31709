import type { ApiHandler, ApiRequest, UserInfo } from '../models/rest.ts'
import type { Transport } from './transport.ts'

const never = new AbortController().signal

/** Calls the API server's handler in this process, as `user`: no socket, no TLS, no HTTP parsing. */
export function inProcessTransport(handler: ApiHandler, user: UserInfo): Transport {
  // Names the manager of the fields that it writes.
  const agent = { 'user-agent': user.username.replace(/^system:/, '').replace(/^node:.*/, 'kubelet') }
  return {
    async send({ method, url, headers, body, signal }) {
      signal?.throwIfAborted()
      const request: ApiRequest = { method, url, headers: { ...agent, ...headers }, user, signal: signal ?? never }
      if (body !== undefined) request.body = typeof body === 'string' ? Buffer.from(body) : body
      const reply = await handler(request)
      if (!signal || reply.body instanceof Uint8Array) return reply
      return { ...reply, body: abortable(reply.body, signal) }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** The stream until the signal aborts, whether its source listens to the signal or not: what a closed socket would do. */
async function* abortable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const iterator = source[Symbol.asyncIterator]()
  let interrupt: ((reason: unknown) => void) | undefined
  const onAbort = () => interrupt?.(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject
        iterator.next().then(resolve, reject)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a source that is waiting for its next event would answer only after it.
    iterator.return?.()?.catch(() => {})
  }
}
