import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Clock, every } from './clock.ts'

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

/**
 * How often it is looked, and how much must have come since the last collection: more often, and what a node at rest makes of
 * garbage by itself would be collected again and again, some 100 ms of all threads each.
 */
const lookMs = 60_000
const muchBytes = 12 << 20

/** The heap and what is held outside of it. */
function heldBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** Collects after the start, and later when a burst of work is over that left much behind. Ends when disposed. */
export function collectNowAndThen(clock: Clock, { held = heldBytes, collect = collectGarbage } = {}): Disposable {
  const stop = new AbortController()
  let left = 0
  const look = () => {
    if (held() < left + muchBytes) return
    collect()
    left = held()
  }
  const cancel = clock.schedule(settledMs, look)
  every(clock, lookMs, look, stop.signal)
  return {
    [Symbol.dispose]() {
      cancel()
      stop.abort()
    },
  }
}
