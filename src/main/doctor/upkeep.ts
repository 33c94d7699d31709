import { sleep } from '../../base/clock.ts'
import { explain, isAbort } from '../../base/errors.ts'
import type { OutsideWorld } from '../outside.ts'
import { checks, examine } from './doctor.ts'
import type { NodePlaces } from './leak.ts'

type Outside = Pick<OutsideWorld, 'disk' | 'commands' | 'clock' | 'log'>

interface Round {
  kinds: ReadonlySet<string>
  /** Only what is there at two looks so far apart is taken out. */
  apartMs: number
  everyMs: number
}

/** containerd records a container before it starts its shim and runc, and knows no way to them without a record. */
const running: Round = { kinds: new Set(['shims', 'runc states']), apartMs: 10_000, everyMs: 60_000 }
/**
 * The making of a sandbox is given up after four minutes: what is nobody's for longer stays nobody's. Containers that containerd
 * knows may be of somebody who works beside us: a person is told of them, by `optiflow node doctor`.
 */
const rest: Round = {
  kinds: new Set(checks.map(({ kind }) => kind).filter(kind => !running.kinds.has(kind) && kind !== 'containers')),
  apartMs: 5 * 60_000,
  everyMs: 20 * 60_000,
}

/**
 * Takes out what a runtime leaves behind and never looks at again when it, or who asked it, is killed while it makes a pod:
 * shims, network namespaces, snapshots, addresses. Goes on until `signal` says otherwise; never rejects.
 */
export async function keepClean(places: NodePlaces, outside: Outside, signal: AbortSignal): Promise<void> {
  await Promise.all([running, rest].map(round => go(round, places, outside, signal)))
}

async function go({ kinds, apartMs, everyMs }: Round, places: NodePlaces, outside: Outside, signal: AbortSignal) {
  const { clock, log } = outside
  while (!signal.aborted) {
    try {
      const { findings } = await examine({ places, outside, fix: true, apartMs, kinds, signal })
      for (const { kind, what, outcome } of findings)
        log.info({ kind, what, outcome }, 'taken out what was left behind')
    } catch (error) {
      if (isAbort(error)) return
      log.debug({ error: explain(error) }, 'cannot look for what is left behind')
    }
    await sleep(clock, everyMs, signal).catch(() => {})
  }
}
