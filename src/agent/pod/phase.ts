import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import {
  exitCodeOf,
  hasEnded,
  hasStarted,
  isRunning,
  isSidecar,
  newest,
  newestSandbox,
  type Records,
  type Situation,
} from './records.ts'

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

/** Whether a container that ended is started again. */
export function restarts({ pod, records }: Situation, container: Container, ended: ObservedContainer): boolean {
  if (isSidecar(container) || records.replaced.has(ended.id)) return true
  const policy = pod.spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && (exitCodeOf(ended) !== 0 || ended.state !== 'exited'))
}

/** Monotonic time at which the pod has used up its activeDeadlineSeconds: a clock that is set ends no pod. */
export function deadlineAt(pod: Pod, records: Records): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds
  return seconds === undefined ? undefined : records.startedAtMonoMs + seconds * 1000
}

/** Every main container has ended for good, or an init container failed for good: nothing will be started again. */
export function isFinished(situation: Situation): boolean {
  const phase = situation.pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return true
  return failedInit(situation) !== undefined || mainsEnded(situation)
}

/** The init container whose failure ends the pod. */
export function failedInit({ pod, observed }: Situation): ObservedContainer | undefined {
  if ((pod.spec.restartPolicy ?? 'Always') !== 'Never') return undefined
  const sandbox = newestSandbox(observed)?.id
  for (const container of pod.spec.initContainers ?? []) {
    const last = newest(observed, container.name, sandbox)
    if (!isSidecar(container) && hasEnded(last) && exitCodeOf(last) !== 0) return last
  }
  return undefined
}

function mainsEnded(situation: Situation): boolean {
  return situation.pod.spec.containers.every(container => {
    const last = newest(situation.observed, container.name)
    return hasEnded(last) && !restarts(situation, container, last)
  })
}

/** One word for how far a pod has come. */
export function phaseOf(situation: Situation): Phase {
  const before = situation.pod.status?.phase
  if (before === 'Succeeded' || before === 'Failed') return before
  const end = endOf(situation)
  // A pod is over only when nothing of it runs any more, sidecars included.
  if (end && !situation.observed?.containers.some(isRunning)) return end
  const last = situation.pod.spec.containers.map(c => newest(situation.observed, c.name))
  const begun = last.filter(c => hasEnded(c) || hasStarted(situation.records, c))
  if (begun.length === last.length || (before === 'Running' && begun.length)) return 'Running'
  return 'Pending'
}

/** How the pod ends, once it is clear that it does. */
function endOf(situation: Situation): 'Succeeded' | 'Failed' | undefined {
  const { pod, observed, records } = situation
  if (records.rejection || records.ending?.reason || failedInit(situation)) return 'Failed'
  const last = pod.spec.containers.map(c => newest(observed, c.name))
  if (!mainsEnded(situation) && !isCutShort(situation)) return undefined
  return last.every(c => c?.state === 'exited' && exitCodeOf(c) === 0) ? 'Succeeded' : 'Failed'
}

/**
 * It is being ended and nothing of it will start any more: it is over, even if some container never ran. Whoever counts
 * ended pods (a Job, say) waits for that while a finalizer holds the record.
 */
function isCutShort(situation: Situation): boolean {
  const { records } = situation
  if (!isBeingEnded(situation)) return false
  return ![...records.operations.keys()].some(key => key === 'sandbox' || /^(start|kill):/.test(key))
}

export const isBeingEnded = ({ pod, gone }: Situation) => gone || pod.metadata.deletionTimestamp !== undefined
