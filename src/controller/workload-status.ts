import { labelsText } from '../models/kinds/selector-text.ts'
import { isPodActive, isPodReady, podCondition } from '../models/pod-state.ts'
import type { Deployment } from '../models/types/apps-v1.ts'
import type { ContainerStatus, Node, Pod, Service } from '../models/types/core-v1.ts'
import type { Workload, WorkloadCondition, WorkloadStatus } from '../models/types/optiflow-v1.ts'
import { conditionOf, withLatestCondition } from './conditions.ts'
import { workloadSelector } from './workload-parts.ts'
import type { Memory } from './workload-rollback.ts'

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
    const why = waiting.message ? `: ${waiting.message}` : ''
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

/** Where the app answers: its host name, a node's address and port, or the cluster's own address. */
export function urlOf(workload: Workload, service: Service | undefined, nodes: readonly Node[]): string | undefined {
  if (workload.spec.expose?.host) return `http://${workload.spec.expose.host}`
  const port = service?.spec?.ports?.find(p => (p.protocol ?? 'TCP') === 'TCP')
  if (!service || !port) return undefined
  const scheme = port.port === 443 || port.name === 'https' || port.appProtocol === 'https' ? 'https' : 'http'
  if (port.nodePort) {
    const address = nodeAddress(nodes)
    if (address) return `${scheme}://${hostPart(address)}:${port.nodePort}`
  }
  const ip = service.spec?.clusterIP
  if (!ip || ip === 'None') return undefined
  const plain = port.port === (scheme === 'https' ? 443 : 80)
  return `${scheme}://${hostPart(ip)}${plain ? '' : `:${port.port}`}`
}

const hostPart = (address: string) => (address.includes(':') ? `[${address}]` : address)

/** Of the first ready node by name; an outside address before an inside one. */
function nodeAddress(nodes: readonly Node[]): string | undefined {
  const ready = nodes
    .filter(n => conditionOf(n.status?.conditions, 'Ready')?.status === 'True')
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const addresses = ready[0]?.status?.addresses ?? []
  return (addresses.find(a => a.type === 'ExternalIP') ?? addresses.find(a => a.type === 'InternalIP'))?.address
}

export interface WorkloadFacts {
  deployment: Deployment | undefined
  service: Service | undefined
  pods: readonly Pod[]
  nodes: readonly Node[]
  /** What stood in the way of this look itself: a name taken by somebody else. */
  obstacle?: Problem | undefined
  memory?: Memory
}

/** The one status that says what is happening and why. @param now a timestamp */
export function workloadStatus(workload: Workload, facts: WorkloadFacts, now: string): WorkloadStatus {
  const { deployment, service, nodes, memory = {} } = facts
  const wanted = workload.spec.replicas ?? 1
  const seen = deployment?.status ?? {}
  const known = !!deployment && (seen.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  const ready = seen.readyReplicas ?? 0
  const updated = seen.updatedReplicas ?? 0
  const failure = conditionOf(seen.conditions, 'ReplicaFailure')
  const complete = known && ready >= wanted && updated === wanted && (seen.replicas ?? 0) === wanted
  const problem =
    facts.obstacle ??
    (complete
      ? undefined
      : (worstProblem(facts.pods) ??
        (failure && { weight: 95, reason: failure.reason ?? 'FailedCreate', message: failure.message ?? '' })))
  const back = rolledBack(workload, memory, problem, now)
  const state = problem ? problem.message : summary(wanted, ready, updated, complete)
  const message = back?.status === 'True' ? `${state}; ${back.message}` : state

  const generation = workload.metadata.generation ?? 0
  const condition = (type: string, status: boolean, reason: string, text: string): WorkloadCondition => ({
    type,
    status: status ? 'True' : 'False',
    reason,
    message: text,
    observedGeneration: generation,
    lastTransitionTime: now,
  })
  const isReady = complete && !facts.obstacle
  const progress = conditionOf(seen.conditions, 'Progressing')
  const stuck = progress?.reason === 'ProgressDeadlineExceeded' || !!facts.obstacle
  let conditions = workload.status?.conditions ?? []
  const readyReason = isReady ? (wanted ? 'ReplicasReady' : 'ScaledToZero') : (problem?.reason ?? 'Starting')
  conditions = withLatestCondition(conditions, condition('Ready', isReady, readyReason, message))
  const progressReason = isReady ? 'Complete' : stuck ? (problem?.reason ?? 'ProgressDeadlineExceeded') : 'Updating'
  conditions = withLatestCondition(conditions, condition('Progressing', !isReady && !stuck, progressReason, message))

  if (back) conditions = withLatestCondition(conditions, back)

  const url = urlOf(workload, service, nodes)
  return {
    observedGeneration: generation,
    replicas: seen.replicas ?? 0,
    readyReplicas: ready,
    updatedReplicas: updated,
    selector: labelsText(workloadSelector(workload)),
    ...(url ? { url } : {}),
    ...memory,
    message,
    conditions,
  }
}

/** The verdict about an update keeps its words; undefined while there never was one. */
function rolledBack(
  workload: Workload,
  { failedRevision }: Memory,
  problem: Problem | undefined,
  now: string,
): WorkloadCondition | undefined {
  const known = conditionOf(workload.status?.conditions, 'RolledBack')
  const observedGeneration = workload.metadata.generation ?? 0
  const common = { type: 'RolledBack', observedGeneration, lastTransitionTime: now }
  if (!failedRevision)
    return known && { ...common, status: 'False', reason: 'AnotherTry', message: 'what is wanted was not given up' }
  if (known?.status === 'True' && workload.status?.failedRevision === failedRevision) return known
  const seconds = workload.spec.update?.readyWithinSeconds ?? 600
  const why = problem ? `: ${problem.message}` : ''
  const message = `rolled back, ${workload.spec.image} made no progress for ${seconds} s${why}`
  return { ...common, status: 'True', reason: 'NotReadyInTime', message }
}

function summary(wanted: number, ready: number, updated: number, complete: boolean): string {
  if (complete) return wanted ? `${ready} of ${wanted} ready` : 'scaled to zero'
  if (updated < wanted && ready >= wanted) return `updating: ${updated} of ${wanted} are new`
  return `starting: ${ready} of ${wanted} ready`
}
