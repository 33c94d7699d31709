import type { Cancel, Clock } from './clock.ts'

interface Timer {
  at: number
  sequence: number
  task: () => void
  /** It ran, or was cancelled. */
  over: boolean
}

const nothing = () => {}
/** So many cancelled timers are not worth a sweep. */
const fewCancelled = 64

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
    const timer: Timer = { at: this.#mono + Math.max(delayMs, 0), sequence: this.#sequence++, task, over: false }
    this.#timers.add(timer)
    return () => this.#timers.cancel(timer)
  }

  /** Timers that are kept: those to come, and at most as many that were cancelled. */
  get kept(): number {
    return this.#timers.size
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

/** The earliest first; of one instant, the oldest. Cancelled ones go when they are as many as the others, or their turn comes. */
class TimerHeap {
  #heap: Timer[] = []
  #cancelled = 0

  get size(): number {
    return this.#heap.length
  }

  add(timer: Timer): void {
    const heap = this.#heap
    let i = heap.push(timer) - 1
    for (let parent = (i - 1) >> 1; i > 0 && before(timer, heap[parent]!); parent = (i - 1) >> 1) {
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = timer
  }

  cancel(timer: Timer): void {
    if (timer.over) return
    timer.over = true
    // What it holds may be a whole cluster, and whoever keeps the cancel function keeps the timer.
    timer.task = nothing
    if (++this.#cancelled <= fewCancelled || this.#cancelled * 2 <= this.#heap.length) return
    this.#cancelled = 0
    // Sorted, it is a heap as well.
    this.#heap = this.#heap.filter(({ over }) => !over).sort((a, b) => (before(a, b) ? -1 : 1))
  }

  /** Takes out the first that is due by then. */
  due(at: number): Timer | undefined {
    for (let first = this.#heap[0]; first && (first.over || first.at <= at); first = this.#heap[0]) {
      this.#takeFirst()
      if (first.over) this.#cancelled--
      else {
        first.over = true
        return first
      }
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
