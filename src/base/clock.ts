/** Time comes in through here, so that a test can be a week long and take a millisecond. */
export interface Clock {
  /** Wall time in milliseconds since 1970; may jump. For timestamps that people read. */
  now(): number
  /** Milliseconds since some start; never jumps. For every duration, lease and deadline. */
  monotonicMs(): number
  /** Runs `task` once after `delayMs` (≥ 0), unless cancelled. Does not keep the process alive by itself. */
  schedule(delayMs: number, task: () => void): Cancel
}

export type Cancel = () => void

const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), longestTimerMs))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Keeps the process alive until disposed: the clock's timers, and what waits for something in memory, do not. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, longestTimerMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Runs `work` when everything that has come in by now was looked at. For servers on a real network only: it is not virtual time. */
export function afterThisTurn(work: () => void): void {
  setImmediate(work)
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.schedule(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** RFC 3339 with whole seconds, the form of every `metav1.Time`. @param ms wall time */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

// Thousands are asked for within one second: its text is made once.
let second = Number.NaN
let secondText = ''

/** Now, as `timeText` writes it. */
export function timestamp(clock: Clock): string {
  const now = Math.floor(clock.now() / 1000)
  if (now !== second) {
    secondText = timeText(now * 1000)
    second = now
  }
  return secondText
}

/** RFC 3339 with six decimals, the form of every `metav1.MicroTime`. */
export function microTimestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`
}

/** Runs `task` every `periodMs`, first after one period, until the signal aborts. A task that is still running is not overlapped. */
export function every(clock: Clock, periodMs: number, task: () => void | Promise<void>, signal: AbortSignal): void {
  if (signal.aborted) return
  let cancel = clock.schedule(periodMs, run)
  signal.addEventListener('abort', () => cancel(), { once: true })
  async function run() {
    await task()
    if (!signal.aborted) cancel = clock.schedule(periodMs, run)
  }
}
