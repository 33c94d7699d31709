import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.ts'

/**
 * Gives the machine back what is garbage. V8 collects when memory is asked for, so a process that has started and now rests
 * would keep what its start left behind, some 50 MB, for hours. Stands still for 30–100 ms.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') collect()
}

/** When a start is over, its informers filled and its messages sent. The memory itself goes back some 9 s later, when V8 shrinks its heap after a collection. */
const settledMs = 5_000

/** Collects once, after the start. Disposing of it before calls it off. */
export function collectAfterStart(clock: Clock): Disposable {
  return { [Symbol.dispose]: clock.schedule(settledMs, collectGarbage) }
}
