import { openBare } from '../../support/bare-cri.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import type { BenchNode } from '../../support/node-process.ts'
import { inFlight, median, pause } from '../../support/statistics.ts'
import { openNodePods } from './node-pods.ts'

const widths: readonly [width: number, each: number][] = [
  [1, 10],
  [8, 40],
  [32, 40],
]

/** The kernel takes out the networks of pods that are gone for a while yet, and whoever makes one meanwhile waits for it. */
const settleMs = 20_000

/** From the request to Ready, pod by pod turn about with the bare calls. @returns our pods a second, by so many in flight */
export async function* starts({ server }: BenchNode): AsyncGenerator<Row, ReadonlyMap<number, number>> {
  await using bare = await openBare()
  using pods = await openNodePods(server)
  let count = 0
  const ours = () => pods.start(`bench-${count++}`)
  const clear = async () => {
    await Promise.all([pods.clear(), bare.clear()])
    await pause(settleMs)
  }
  // Of those that were measured at rest.
  await pause(settleMs)
  // The first pods pull the image, load libraries and make the bridges.
  for (let i = 0; i < 2; i++) await ours()
  await inFlight(2, 4, bare.start)
  await clear()
  const rates = new Map<number, number>()
  for (const [width, each] of widths) {
    const times = { ours: [] as number[], bare: [] as number[] }
    let turn = 0
    await inFlight(width, 2 * each, async () => {
      const who = turn++ % 2 ? 'bare' : 'ours'
      const began = performance.now()
      await (who === 'bare' ? bare.start() : ours())
      times[who].push(performance.now() - began)
    })
    await clear()
    const rate = (all: number[]) => (width * 1000 * all.length) / all.reduce((sum, ms) => sum + ms, 0)
    const [mine, raw] = [rate(times.ours), rate(times.bare)]
    rates.set(width, mine)
    yield {
      what: `pods started, ${width} in flight`,
      value: `${rounded(mine, 1)}/s; bare CRI ${rounded(raw, 1)}/s (${rounded((100 * mine) / raw)} %)`,
      goal: '≥ 95 %',
      reached: mine / raw >= 0.95,
    }
    if (width > 1) continue
    const more = median(times.ours) - median(times.bare)
    yield {
      what: 'create to Ready, one pod',
      value: `${rounded(median(times.ours))} ms; bare CRI ${rounded(median(times.bare))} ms (+ ${rounded(more)} ms)`,
      goal: '≤ bare + 30 ms',
      reached: more <= 30,
    }
  }
  return rates
}
