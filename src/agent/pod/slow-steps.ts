import type { Cancel } from '../../base/clock.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { Action } from './decision.ts'
import type { NodeContext } from './node-context.ts'
import { durationText } from './status.ts'

/** A step that takes longer is told of, and again after twice the time. */
const patienceMs = 60_000

interface Slow {
  reason: string
  /** @param time `1m0s` */
  message(time: string): string
  /** So long it may take besides. */
  graceMs?: number
}

/**
 * Watches a step that waits for others: a container runtime, a driver, a file system of another machine. While one of them
 * hangs nothing fails, so without a word people would see a pod that does not change.
 * @returns to be called when the step has ended
 */
export function watchStep(
  { clock, events, volumes }: Pick<NodeContext, 'clock' | 'events' | 'volumes'>,
  pod: Pod,
  action: Action,
): Cancel {
  const slow = slowOf(action, () => volumes.waitedFor?.(pod.metadata.uid!) ?? [])
  if (!slow) return () => {}
  let cancel: Cancel
  const wait = (ms: number, tookMs: number) => {
    cancel = clock.schedule(ms, () => {
      events.warning(pod, slow.reason, slow.message(durationText(tookMs)))
      wait(tookMs, 2 * tookMs)
    })
  }
  wait((slow.graceMs ?? 0) + patienceMs, patienceMs)
  return () => cancel()
}

function slowOf(action: Action, waitedFor: () => string[]): Slow | undefined {
  switch (action.type) {
    case 'setUpVolumes':
      return {
        reason: 'FailedMount',
        message: time =>
          `Volumes are not ready after ${time}: [${waitedFor().join(' ')}]. What serves them may hang: see its driver or server.`,
      }
    case 'runSandbox':
      return {
        reason: 'FailedCreatePodSandBox',
        message: time =>
          `The container runtime has not made the pod's sandbox for ${time}. It or its network plugin may hang: see its log.`,
      }
    case 'stopSandbox':
      return {
        reason: 'FailedKillPod',
        message: time =>
          `The container runtime has not ended the pod's sandbox for ${time}. It or its network plugin may hang: see its log.`,
      }
    case 'kill':
      return {
        reason: 'FailedKillPod',
        graceMs: action.graceMs,
        message: time =>
          `Container ${action.container} has not ended ${time} after its grace period. Its process may wait for a disk (state D), or the runtime hangs.`,
      }
    case 'tearDownVolumes':
      return {
        reason: 'FailedUnMount',
        message: time =>
          `Volumes are not taken away after ${time}. What serves them may hang: see its driver or server.`,
      }
    default:
      return undefined
  }
}
