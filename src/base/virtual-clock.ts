import type { Cancel, Clock } from './clock.ts'

interface Timer {
  at: number
  sequence: number
  task: () => void
  cancelled: boolean
}

/**
 * A clock that stands still until a test moves it. Timers run in order of time, then of creation; between two of them
 * every pending microtask and I/O callback gets its turn.
 */
export class VirtualClock implements Clock {
  #wall: number
  #mono = 0
  #sequence = 0
  readonly #timers = new TimerHeap()

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs
  }

  now(): number {
    return this.#wall
  }

  monotonicMs(): number {
    return this.#mono
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const timer: Timer = { at: this.#mono + Math.max(delayMs, 0), sequence: this.#sequence++, task, cancelled: false }
    this.#timers.add(timer)
    return () => {
      timer.cancelled = true
    }
  }

  /** Moves time forward by `ms`, running what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms
    await settle()
    for (let next = this.#timers.due(end); next; next = this.#timers.due(end)) {
      this.#moveTo(next.at)
      next.task()
      await settle()
    }
    this.#moveTo(end)
  }

  /** Moves only the wall clock, as an administrator or NTP would. */
  jumpWall(ms: number): void {
    this.#wall += ms
  }

  #moveTo(mono: number): void {
    this.#wall += mono - this.#mono
    this.#mono = mono
  }
}

/** The earliest first; of one instant, the oldest. A cancelled one goes when its turn comes. */
class TimerHeap {
  readonly #heap: Timer[] = []

  add(timer: Timer): void {
    const heap = this.#heap
    let i = heap.push(timer) - 1
    for (let parent = (i - 1) >> 1; i > 0 && before(timer, heap[parent]!); parent = (i - 1) >> 1) {
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = timer
  }

  /** Takes out the first that is due by then. */
  due(at: number): Timer | undefined {
    for (let first = this.#heap[0]; first && (first.cancelled || first.at <= at); first = this.#heap[0]) {
      this.#takeFirst()
      if (!first.cancelled) return first
    }
    return undefined
  }

  #takeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (!heap.length) return
    let i = 0
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

/** Lets everything that is already runnable run: promise callbacks and one round of the event loop, several times over. */
export async function settle(rounds = 4): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise<void>(resolve => setImmediate(resolve))
}
