import { isPodActive, isPodReady, podCondition } from './pod-state.ts'
import type { ContainerStatus, Pod } from './types/core-v1.ts'

/** Something that keeps a pod from being ready. */
export interface Problem {
  /** The higher the worse: the worst of all pods is shown. */
  weight: number
  /** CamelCase, for the condition. */
  reason: string
  /** For people: what is wrong, with the evidence. */
  message: string
}

const waitingWeights: Record<string, number> = {
  InvalidImageName: 90,
  ErrImageNeverPull: 90,
  ImagePullBackOff: 85,
  ErrImagePull: 85,
  CreateContainerConfigError: 80,
  CreateContainerError: 80,
  RunContainerError: 80,
  CrashLoopBackOff: 70,
}

/** Why one pod is not ready; undefined when it is, or when it is simply on its way. */
export function problemOf(pod: Pod): Problem | undefined {
  if (isPodReady(pod) || pod.metadata.deletionTimestamp) return undefined
  const scheduled = podCondition(pod, 'PodScheduled')
  if (scheduled?.status === 'False')
    return { weight: 60, reason: scheduled.reason ?? 'Unschedulable', message: scheduled.message ?? 'no node fits' }
  const all = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  const found = all.map(c => containerProblem(c)).filter(p => p !== undefined)
  if (found.length) return worst(found)
  if (pod.status?.phase === 'Failed')
    return {
      weight: 65,
      reason: pod.status.reason ?? 'PodFailed',
      message: pod.status.message ?? `pod ${pod.metadata.name} failed`,
    }
  const unready = (pod.status?.containerStatuses ?? []).filter(c => c.state?.running && !c.ready)
  if (unready.length)
    return {
      weight: 30,
      reason: 'HealthCheckFailing',
      message: `container "${unready[0]!.name}" of pod ${pod.metadata.name} runs but does not pass its health check`,
    }
  return undefined
}

function containerProblem(c: ContainerStatus): Problem | undefined {
  const waiting = c.state?.waiting
  const last = c.state?.terminated ?? c.lastState?.terminated
  if (waiting?.reason && waitingWeights[waiting.reason]) {
    const weight = waitingWeights[waiting.reason]!
    if (waiting.reason === 'CrashLoopBackOff') return { weight, reason: waiting.reason, message: crash(c, last) }
    // The image is named once, whether its next pull is waited for or not.
    const said = waiting.message?.replace(/^Back-off pulling image "[^"]*": /, '')
    const why = said ? `: ${said}` : ''
    const what = weight >= 85 ? `image "${c.image}" cannot be pulled` : `container "${c.name}" cannot be started`
    return { weight, reason: waiting.reason, message: `${what}${why}` }
  }
  const ended = c.state?.terminated
  if (ended && (ended.exitCode !== 0 || ended.signal))
    return { weight: 68, reason: ended.reason ?? 'Error', message: crash(c, ended) }
  return undefined
}

function crash(c: ContainerStatus, last: NonNullable<ContainerStatus['lastState']>['terminated']): string {
  const how = last
    ? ` with exit code ${last.exitCode}${last.reason && last.reason !== 'Error' ? ` (${last.reason})` : ''}`
    : ''
  const said = last?.message ? `: ${last.message.trim().split('\n').at(-1)}` : ''
  const times = c.restartCount ? `, restarted ${c.restartCount} ${c.restartCount === 1 ? 'time' : 'times'}` : ''
  return `container "${c.name}" keeps ending${how}${times}${said}`
}

function worst(problems: readonly Problem[]): Problem | undefined {
  return problems.reduce<Problem | undefined>((a, b) => (a && a.weight >= b.weight ? a : b), undefined)
}

/** The worst problem of all pods, with how many pods have it. */
export function worstProblem(pods: readonly Pod[]): Problem | undefined {
  const active = pods.filter(p => isPodActive(p) || p.status?.phase === 'Failed')
  const problems = active.map(problemOf).filter(p => p !== undefined)
  const found = worst(problems)
  if (!found) return undefined
  const count = problems.filter(p => p.reason === found.reason).length
  return { ...found, message: `${count} of ${active.length} pods: ${found.message}` }
}
