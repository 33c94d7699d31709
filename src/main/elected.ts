import { hostname } from 'node:os'
import { explain } from '../base/errors.ts'
import { type Client, createLeaderElection } from '../client/index.ts'
import type { OutsideWorld } from './outside.ts'

export interface ElectedOptions {
  client: Client
  outside: OutsideWorld
  /** The Lease in kube-system: `kube-scheduler`. */
  name: string
  signal: AbortSignal
  /** Starts the part, whose writes count only while it leads; it is disposed when leadership ends. */
  start(client: Client): Promise<AsyncDisposable>
}

/** A leader that is gone is replaced after at most 5 s and one attempt. */
const leaseTimes = { leaseDurationMs: 5000, renewDeadlineMs: 3500, retryPeriodMs: 700 }

/** Runs a part only while this process holds its Lease; resolves when `signal` aborts. */
export async function runElected(options: ElectedOptions): Promise<void> {
  const { client, outside, name, signal } = options
  const identity = `${hostname()}_${process.pid}_${outside.random.uuid().slice(0, 8)}`
  const election = createLeaderElection({ ...outside, client, name, identity, ...leaseTimes })
  await election
    .run(async leadership => {
      outside.log.info({ name, identity, fencingToken: leadership.fencingToken }, 'leading')
      const part = await options.start(client.under(leadership.fence))
      try {
        await aborted(leadership.signal)
      } finally {
        await part[Symbol.asyncDispose]()
      }
    }, signal)
    .catch(error => {
      if (!signal.aborted) throw new Error(explain(error), { cause: error })
    })
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
