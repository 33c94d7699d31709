import type { Container } from '../../models/types/core-v1.ts'
import type { ObservedContainer, ObservedPod } from '../../runtime/runtime.ts'
import { retryAt } from './back-off.ts'
import { restarts } from './phase.ts'
import {
  exitCodeOf,
  hasEnded,
  hasStarted,
  isRunning,
  isSidecar,
  newest,
  type Records,
  readySandbox,
  type Situation,
} from './records.ts'

/** The containers that should be started now, back-off aside. Pure. */
export function wantedContainers(situation: Situation): Container[] {
  const { pod, observed, records } = situation
  const mains = pod.spec.containers.filter(c => {
    const last = newest(observed, c.name)
    return !last || last.state === 'created' || (hasEnded(last) && restarts(situation, c, last))
  })
  const sandbox = readySandbox(observed)
  const seen = (container: Container) => sandbox && newest(observed, container.name, sandbox.id)
  const initialised = pod.spec.containers.some(seen)
  const inits = pod.spec.initContainers ?? []
  // One after another was begun has done its work, even if the runtime knows it no more.
  const reached = inits.findLastIndex(seen)
  const wanted: Container[] = []
  for (const [at, container] of inits.entries()) {
    const last = seen(container)
    if (isSidecar(container)) {
      if (!isRunning(last)) wanted.push(container)
      if (initialised) continue
      if (!isRunning(last) || !isStarted(records, container, last)) return wanted
    } else if (!initialised) {
      if (isRunning(last)) return wanted
      if (last && exitCodeOf(last) === 0 && last.state === 'exited') continue
      if (!last && at < reached) continue
      wanted.push(container)
      return wanted
    }
  }
  // Nothing is to run again: no sandbox is made just for the sidecars.
  if (!mains.length && !sandbox) return []
  return [...wanted, ...mains]
}

/** A sidecar lets the next container start once its hook has ended and its startup probe passed. */
function isStarted(records: Records, container: Container, running: ObservedContainer): boolean {
  if (!hasStarted(records, running)) return false
  return !container.startupProbe || records.probes.get(running.id)?.started === true
}

/**
 * Main containers start in the order in which they are written: one with a postStart hook holds up those after it until the
 * hook has ended. One that fails holds up nobody. Pure.
 * @param due those that may be started now
 */
export function withoutHeldUp(due: readonly Container[], { pod, records, monoMs }: Situation): Container[] {
  const { containers } = pod.spec
  const steps = ({ name }: Container) => [`image:${name}`, `start:${name}`]
  const isUnderWay = (container: Container) => steps(container).some(key => records.operations.has(key))
  const hasFailed = (container: Container) => steps(container).some(key => retryAt(records, key) > monoMs)
  const isOnItsWay = (container: Container) =>
    isUnderWay(container) || (due.includes(container) && !hasFailed(container))
  const holder = containers.findIndex(container => container.lifecycle?.postStart && isOnItsWay(container))
  if (holder < 0) return [...due]
  return due.filter(c => containers.indexOf(c) <= holder)
}

/** The attempt that follows a container which the API knows and the runtime has lost. */
export function lostRestarts(status: Situation['pod']['status'], name: string, observed: ObservedPod | undefined) {
  if (newest(observed, name)) return 0
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const last = all.find(s => s.name === name)
  return last?.containerID ? last.restartCount + 1 : (last?.restartCount ?? 0)
}
