import { type Clock, sleep } from '../base/clock.ts'
import type { ApiReply } from '../models/rest.ts'
import type { Transport } from './transport.ts'

const maxRetries = 10
const longestWaitMs = 30_000

/** Asks again when the server has no room for the moment and says when it will: 429 with Retry-After, as Kubernetes' own clients do. */
export function patientTransport(transport: Transport, clock: Clock): Transport {
  return {
    async send(request) {
      for (let retries = 0; ; retries++) {
        const reply = await transport.send(request)
        const waitMs = waitOf(reply)
        if (waitMs === undefined || retries >= maxRetries) return reply
        await sleep(clock, waitMs, request.signal)
      }
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

function waitOf({ status, headers }: ApiReply): number | undefined {
  const text = headers['retry-after']
  if (status !== 429 || typeof text !== 'string' || !/^\d{1,6}$/.test(text)) return undefined
  return Math.min(Number(text) * 1000, longestWaitMs)
}
