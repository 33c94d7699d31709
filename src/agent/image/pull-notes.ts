import type { Clock } from '../../base/clock.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { PullProgress } from '../../runtime/runtime.ts'

/** A pull that takes longer is told of; then in ever longer steps, so that a long one does not fill the record. */
const firstMs = 5_000
const longestMs = 60_000

/** Tells in events how far a pull is: `Pulling image "web:1": 34 of 120 MB`. */
export function pullNotes(events: EventRecorder, clock: Clock, pod: Pod, image: string): (now: PullProgress) => void {
  let stepMs = firstMs
  let dueMonoMs = clock.monotonicMs() + stepMs
  return ({ doneBytes, totalBytes }) => {
    const now = clock.monotonicMs()
    if (now < dueMonoMs) return
    stepMs = Math.min(2 * stepMs, longestMs)
    dueMonoMs = now + stepMs
    events.normal(pod, 'Pulling', `Pulling image "${image}": ${mega(doneBytes)} of ${mega(totalBytes)} MB`)
  }
}

const mega = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)
