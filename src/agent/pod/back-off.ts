import type { ObservedContainer } from '../../runtime/runtime.ts'
import { hashAnnotation, isOutdated } from './container-hash.ts'
import type { Failure, PodContainer, Records } from './records.ts'

/** A container that ran this long is forgiven its earlier crashes. */
export const forgivenAfterMs = 600_000

/** The longest wait before a restart unless a node says otherwise. */
export const longestCrashDelayMs = 300_000

/**
 * How long to wait before restarting a container that keeps ending.
 * @param crashes consecutive ends, at least 1
 * @param mostMs no wait is longer, the first one neither
 * @returns milliseconds: 0, then 10 000 doubling to at most `mostMs`
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
export function crashDelayMs(crashes: number, mostMs = longestCrashDelayMs): number {
  return crashes <= 1 ? 0 : Math.min(Math.min(10_000, mostMs) * 2 ** (crashes - 2), mostMs)
}

/** How long a failed pull waits: 10 s doubling to 5 min. */
export function pullDelayMs(failures: number): number {
  return Math.min(10_000 * 2 ** (failures - 1), 300_000)
}

/** How long after each kind of failed step the next try comes, in milliseconds. */
export function retryDelayMs(operation: string, failure: Failure): number {
  const capped = (base: number, max: number) => Math.min(base * 2 ** (failure.count - 1), max)
  if (failure.runtimeAway) return capped(250, 1_000)
  if (operation.startsWith('image:') || failure.volume !== undefined)
    return failure.reason === 'ErrImageNeverPull' ? 10_000 : pullDelayMs(failure.count)
  if (operation === 'volumes') return capped(500, 120_000)
  if (operation === 'sandbox') return capped(1_000, 15_000)
  if (operation.startsWith('start:')) {
    // The container is there, ended, and waits as one that crashed.
    if (failure.reason === 'RunContainerError' || failure.reason === 'PostStartHookError') return 0
    // A missing ConfigMap may come any moment; the worker is also told when it does.
    return failure.reason === 'CreateContainerConfigError' ? capped(1_000, 10_000) : capped(2_000, 300_000)
  }
  // The server may come back any moment, and then the record should go.
  return operation === 'finish' ? capped(500, 2_000) : capped(500, 30_000)
}

/** Until when (monotonic) an operation that failed must wait; 0 when it may run. */
export function retryAt(records: Records, operation: string): number {
  const failure = records.failures.get(operation)
  return failure ? failure.atMonoMs + retryDelayMs(operation, failure) : 0
}

/** Until when (monotonic) a container that ended must wait to be started again: not at all under another definition or for other resources. */
export function restartAt(records: Records, container: PodContainer, last: ObservedContainer): number {
  if (isOutdated(last, container) || records.resized.has(last.id)) return 0
  const ended = records.ended.get(last.id)
  const crashes = records.crashes.get(last.name)?.count ?? 0
  return ended ? ended.atMonoMs + crashDelayMs(crashes, records.mostCrashDelayMs) : 0
}

/**
 * Counts a container that just ended, unless it was ended for other resources. Does nothing the second time.
 * @param mostMs how long ago this agent began it; undefined: another did, and only the runtime's clock tells how long it ran
 */
export function countCrash(records: Records, container: ObservedContainer, mostMs?: number): void {
  const known = records.crashes.get(container.name)
  if (known?.lastId === container.id || records.resized.has(container.id)) return
  const { startedAtMs, finishedAtMs } = container
  const toldMs = startedAtMs && finishedAtMs ? finishedAtMs - startedAtMs : 0
  // A clock that was set while it ran tells too much, or less than nothing.
  const ranMs = mostMs === undefined ? toldMs : toldMs < 0 ? mostMs : Math.min(toldMs, mostMs)
  const hash = container.annotations[hashAnnotation]
  // After a restart of the agent the attempt number is the best guess at how often it crashed before.
  const before = !known ? container.attempt : known.hash === hash ? known.count : 1
  const count = ranMs >= forgivenAfterMs ? 1 : before + 1
  records.crashes.set(container.name, { count, hash, lastId: container.id })
}
