import { Session } from 'node:inspector'
import { getHeapStatistics } from 'node:v8'
import { afterThisTurn, type Clock, every } from './clock.ts'

/**
 * Gives the machine back what is garbage. V8 collects when memory is asked for, so a process that has started and now rests
 * would keep what its start left behind, some 50 MB, for hours. As for a machine that is short of memory: a plain `gc()` often
 * leaves V8 its 50 MB of room for young objects. Stands still for 50–150 ms.
 */
export function collectGarbage(): Promise<void> {
  const session = new Session()
  session.connect()
  return new Promise(resolve => {
    session.post('HeapProfiler.collectGarbage', () =>
      // V8 holds a lock while it tells us.
      afterThisTurn(() => {
        session.disconnect()
        resolve()
      }),
    )
  })
}

/** When a start is over, its informers filled and its messages sent. */
const settledMs = 5_000

/**
 * How often it is looked, and how much must have come since the last collection: more often, and what a node at rest makes of
 * garbage by itself would be collected again and again, some 100 ms of all threads each.
 */
const lookMs = 60_000
const muchBytes = 12 << 20

/** A process rests that took less of one processor since the last look. One at work collects by itself, when it has to. */
const restShare = 0.2

/** Of a larger heap a collection stands still for too long, about 1 ms a megabyte. */
const mostBytes = 200 << 20

/** The heap and what is held outside of it. */
function heldBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** Milliseconds of processor time that this process has taken. */
function takenMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Collects after the start, and later when a burst of work is over that left much behind. Ends when disposed. */
export function collectNowAndThen(
  clock: Clock,
  { held = heldBytes, taken = takenMs, collect = collectGarbage } = {},
): Disposable {
  const stop = new AbortController()
  let left = 0
  let before = taken()
  const look = async () => {
    const now = held()
    if (now < left + muchBytes || now > mostBytes) return
    await collect()
    left = held()
  }
  const lookAtRest = async () => {
    const since = taken() - before
    before += since
    if (since < restShare * lookMs) await look()
  }
  const cancel = clock.schedule(settledMs, look)
  every(clock, lookMs, lookAtRest, stop.signal)
  return {
    [Symbol.dispose]() {
      cancel()
      stop.abort()
    },
  }
}
