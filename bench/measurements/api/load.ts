import type { Wire } from '../../support/api.ts'
import type { BareServer } from '../../support/bare-server.ts'
import { rounded } from '../../support/measurement.ts'
import { processorMs } from '../../support/process-use.ts'
import { inFlight, median, percentile } from '../../support/statistics.ts'

export const podPath = (namespace: string, name = '') => `/api/v1/namespaces/${namespace}/pods${name && `/${name}`}`

/** `total` calls, one after another on each connection. */
export async function spread(
  wires: Wire[],
  total: number,
  one: (wire: Wire, i: number) => Promise<unknown>,
): Promise<{ ms: number; each: number[] }> {
  const free = [...wires]
  return inFlight(wires.length, total, async i => {
    const wire = free.pop()!
    await one(wire, i)
    free.push(wire)
  })
}

export async function ok(wire: Wire, method: string, url: string, body?: string): Promise<void> {
  const status = await wire.send(method, url, body)
  if (status >= 300) throw new Error(`${method} ${url} answered ${status}`)
}

/** Runs `work` of `count` requests; its rate, its times, and what each request cost the server. */
export async function use(
  { pid }: Pick<BareServer, 'pid'>,
  count: number,
  work: () => Promise<{ ms: number; each: number[] }>,
) {
  const before = processorMs(pid)
  const { ms, each } = await work()
  const after = processorMs(pid)
  const perSecond = (count * 1000) / ms
  const mainMicros = ((after.main - before.main) * 1000) / count
  const allMicros = ((after.all - before.all) * 1000) / count
  return {
    perSecond,
    text: `${rounded(perSecond)}/s (${times(each)})`,
    cost: `${rounded(mainMicros)} µs of the main thread each (${rounded(allMicros)} µs with all threads): at most ${rounded(1e6 / mainMicros)}/s undisturbed`,
  }
}

export const times = (each: readonly number[]) =>
  `p50 ${rounded(median([...each]), 1)} ms, p99 ${rounded(percentile([...each], 0.99), 1)} ms`
