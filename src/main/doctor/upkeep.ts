import { sleep } from '../../base/clock.ts'
import { explain, isAbort } from '../../base/errors.ts'
import type { OutsideWorld } from '../outside.ts'
import { checks, examine } from './doctor.ts'
import type { NodePlaces } from './leak.ts'

/** The making of a sandbox is given up after four minutes: what is nobody's for longer stays nobody's. */
const apartMs = 5 * 60_000
const everyMs = 20 * 60_000

/** What has processes may be somebody's who works beside us: a person is told of it, by `optiflow node doctor`. */
const alive = new Set(['containers', 'shims'])
const dead = new Set(checks.map(({ kind }) => kind).filter(kind => !alive.has(kind)))

/**
 * Takes out what a runtime that was killed while it made a pod left behind and never looks at again: network namespaces,
 * snapshots, addresses. Goes on until `signal` says otherwise; never rejects.
 */
export async function keepClean(
  places: NodePlaces,
  outside: Pick<OutsideWorld, 'disk' | 'commands' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = outside
  while (!signal.aborted) {
    try {
      const { findings } = await examine({ places, outside, fix: true, apartMs, kinds: dead, signal })
      for (const { kind, what, outcome } of findings)
        log.info({ kind, what, outcome }, 'taken out what was left behind')
      await sleep(clock, everyMs, signal)
    } catch (error) {
      if (isAbort(error)) return
      log.warn({ error: explain(error) }, 'cannot look for what is left behind')
      await sleep(clock, everyMs, signal).catch(() => {})
    }
  }
}
