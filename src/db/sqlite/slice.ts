import { type Clock, systemClock } from '../../base/clock.ts'

/** How long upkeep of the file may keep the writer from commits, apart from the one fsync that ends it. */
const sliceMs = 10

/** @returns whether the slice of time that begins now is over */
export function slice(clock: Pick<Clock, 'monotonicMs'> = systemClock): () => boolean {
  const end = clock.monotonicMs() + sliceMs
  return () => clock.monotonicMs() >= end
}
