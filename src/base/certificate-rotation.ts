import { backoffMs } from './backoff.ts'
import { type KeyPair, type Validity, validityOf } from './certificates.ts'
import { type Clock, sleep, timeText } from './clock.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'
import type { Random } from './random.ts'

export interface RotationOptions {
  /** As logs name it. */
  certificate: string
  /** What is in use now. */
  current(): KeyPair
  /** Has another one made and puts it to use. @throws when it is not had, or the signal's reason */
  renew(signal: AbortSignal): Promise<void>
  clock: Clock
  random: Random
  log: Logger
  /** Told of each that took the place of another, which was so old. */
  renewed?(ageSeconds: number): void
  /** Told of each attempt that failed. */
  failed?(): void
}

/** So long it is waited for who signs, before it is asked anew. */
const patienceMs = 15 * 60_000
/** Wall clocks jump, and a machine that slept wakes late. */
const lookMs = 3_600_000
const shortestMs = 1_000
const retries = { baseMs: 2_000, maxMs: 32_000, jitter: 0.1 }

/**
 * When a certificate is to be replaced: after 70 to 90 % of its life, at a moment of its own for each, so that nodes that
 * joined together do not all ask together. Wall time in milliseconds. Pure.
 */
export function rotationAtMs({ fromMs, untilMs }: Validity, random: Random): number {
  return fromMs + (untilMs - fromMs) * (0.7 + 0.2 * random.next())
}

/**
 * Replaces a certificate before its end, again and again, until the signal aborts. What fails is told and tried again: after
 * 2 s, then twice as long each time, at most every 32 s.
 */
export async function keepRenewed(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { clock, random } = options
  try {
    let life = validityOf(options.current().cert)
    for (;;) {
      const dueAtMs = rotationAtMs(life, random)
      for (let left = dueAtMs - clock.now(); left > 0; left = dueAtMs - clock.now())
        await sleep(clock, Math.min(left, lookMs), signal)
      await renewOnce(options, signal)
      // Signers date certificates back: of a short life that is a large part, and it would be over at once.
      life = { ...validityOf(options.current().cert), fromMs: clock.now() }
      await sleep(clock, shortestMs, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Does that for several, each by itself; who can no longer says so in the log. @returns ends it */
export function keepAllRenewed(rotations: readonly RotationOptions[], endedBy: string): () => void {
  const stop = new AbortController()
  for (const rotation of rotations)
    keepRenewed(rotation, stop.signal).catch(error => {
      const { certificate, log } = rotation
      log.error({ certificate, error: explain(error) }, 'certificate is no longer renewed')
    })
  return () => stop.abort(new DOMException(endedBy, 'AbortError'))
}

async function renewOnce(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { certificate, clock, random, log } = options
  for (let attempt = 1; ; attempt++) {
    const old = validityOf(options.current().cert)
    try {
      await withPatience(clock, signal, limited => options.renew(limited))
      options.renewed?.((clock.now() - old.fromMs) / 1000)
      const { untilMs } = validityOf(options.current().cert)
      log.info({ certificate, until: timeText(untilMs) }, 'certificate renewed')
      return
    } catch (cause) {
      signal.throwIfAborted()
      options.failed?.()
      const retryMs = Math.round(backoffMs(retries, attempt, random))
      const about = { certificate, until: timeText(old.untilMs), retryMs, error: explain(cause) }
      if (clock.now() < old.untilMs) log.warn(about, 'certificate not renewed yet')
      else log.error(about, 'certificate has ended and is not renewed: who relies on it is cut off')
      await sleep(clock, retryMs, signal)
    }
  }
}

/** @throws when the work takes longer than a quarter of an hour */
async function withPatience<T>(clock: Clock, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) {
  const late = new AbortController()
  const cancel = clock.schedule(patienceMs, () =>
    late.abort(new Error(`nobody signed it within ${patienceMs / 60_000} minutes`)),
  )
  try {
    return await work(AbortSignal.any([signal, late.signal]))
  } finally {
    cancel()
  }
}
