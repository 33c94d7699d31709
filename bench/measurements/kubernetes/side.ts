import { type ApiConnection, Wire } from '../../support/api.ts'
import { processorMs, residentMb } from '../../support/process-use.ts'
import { median, percentile } from '../../support/statistics.ts'
import { spread } from '../api/load.ts'

export const namespace = 'beside'

/** Requests of one kind. */
export interface Work {
  what: string
  inFlight: number
  /** In one round. */
  count: number
  /** @param i counts on over the rounds. @throws Error unless the server does it */
  one(wire: Wire, i: number, api: ApiConnection): Promise<unknown>
}

interface Round {
  perSecond: number
  cpuMs: number
  each: number[]
}

/** One of the two servers. */
export interface Side extends Disposable {
  measure(work: Work): Promise<void>
  /** Medians over the rounds so far; the percentiles are of all requests. Processor time is of one request. */
  of(work: Work): { perSecond: number; cpuMs: number; p50Ms: number; p99Ms: number }
  residentMb(): number
}

const width = 64

/** @param pids of all its processes */
export async function openSide(api: ApiConnection, pids: readonly number[]): Promise<Side> {
  await api.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  // Without controllers nobody makes the account that pods are admitted with; with them it may be there already.
  await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(api.keys)))
  const done = new Map<Work, Round[]>()
  const used = () => pids.reduce((sum, pid) => sum + processorMs(pid).all, 0)
  return {
    async measure(work) {
      const rounds = done.get(work) ?? []
      done.set(work, rounds)
      const first = rounds.length * work.count
      const before = used()
      const { ms, each } = await spread(wires.slice(0, work.inFlight), work.count, (wire, i) =>
        work.one(wire, first + i, api),
      )
      rounds.push({ perSecond: (work.count * 1000) / ms, cpuMs: (used() - before) / work.count, each })
    },
    of(work) {
      const rounds = done.get(work)!
      const each = rounds.flatMap(round => round.each)
      return {
        perSecond: median(rounds.map(round => round.perSecond)),
        cpuMs: median(rounds.map(round => round.cpuMs)),
        p50Ms: median(each),
        p99Ms: percentile(each, 0.99),
      }
    },
    residentMb: () => pids.reduce((sum, pid) => sum + residentMb(pid), 0),
    [Symbol.dispose]() {
      for (const wire of wires) wire[Symbol.dispose]()
    },
  }
}
