import { type Row, rounded } from '../../support/measurement.ts'
import type { BenchNode } from '../../support/node-process.ts'
import { processorMs, residentMb } from '../../support/process-use.ts'
import { inFlight, pause } from '../../support/statistics.ts'
import { openNodePods } from './node-pods.ts'

const restMs = 30_000
/** Until the garbage of the starts is given back. */
const settleMs = 75_000

/** What the agent takes while its pods just run. */
export async function* rest({ server, pid }: BenchNode): AsyncIterable<Row> {
  using pods = await openNodePods(server)
  let running = 0
  for (const count of [0, 50, 110]) {
    const missing = count - running
    await inFlight(8, missing, i => pods.start(`rest-${running + i}`))
    running = count
    await pause(settleMs)
    const mb = residentMb(pid)
    const what = `agent memory, ${count} pods`
    yield count === 110
      ? { what, value: `${rounded(mb)} MB`, goal: '≤ 80 MB', reached: mb <= 80 }
      : { what, value: `${rounded(mb)} MB` }
  }
  const before = processorMs(pid).all
  await pause(restMs)
  const share = (100 * (processorMs(pid).all - before)) / restMs
  yield {
    what: 'agent at rest, 110 pods',
    value: `${rounded(share, 1)} % of a core`,
    goal: '< 2 %',
    reached: share < 2,
    note: `over ${restMs / 1000} s`,
  }
  await pods.clear()
}
