import type { Clock } from '../base/clock.ts'
import type { Terminal } from './terminal.ts'

const everyMs = 10_000

/** Says now and then how far the revisions of a new etcd have got. */
export function revisionLine(terminal: Terminal, clock: Clock): (done: bigint) => void {
  let told = clock.monotonicMs()
  return done => {
    const now = clock.monotonicMs()
    if (now - told < everyMs) return
    told = now
    terminal.out(`etcd is at revision ${done}\n`)
  }
}
