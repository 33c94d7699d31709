import { bracketed } from '../base/ip.ts'
import { conditionOf, withLatestCondition } from '../models/conditions.ts'
import { labelsText } from '../models/kinds/selector-text.ts'
import { type Problem, worstProblem } from '../models/pod-problem.ts'
import type { Deployment } from '../models/types/apps-v1.ts'
import type { Node, Pod, Service } from '../models/types/core-v1.ts'
import type { Workload, WorkloadCondition, WorkloadStatus } from '../models/types/optiflow-v1.ts'
import { workloadSelector } from './workload-parts.ts'
import type { RolloutPlan } from './workload-rollout.ts'
import type { Verdict } from './workload-verdict.ts'

/** Where the app answers: its host name, a node's address and port, or the cluster's own address. */
export function urlOf(workload: Workload, service: Service | undefined, nodes: readonly Node[]): string | undefined {
  if (workload.spec.expose?.host) return `http://${workload.spec.expose.host}`
  const port = service?.spec?.ports?.find(p => (p.protocol ?? 'TCP') === 'TCP')
  if (!service || !port) return undefined
  const scheme = port.port === 443 || port.name === 'https' || port.appProtocol === 'https' ? 'https' : 'http'
  if (port.nodePort) {
    const address = nodeAddress(nodes)
    if (address) return `${scheme}://${bracketed(address)}:${port.nodePort}`
  }
  const ip = service.spec?.clusterIP
  if (!ip || ip === 'None') return undefined
  const plain = port.port === (scheme === 'https' ? 443 : 80)
  return `${scheme}://${bracketed(ip)}${plain ? '' : `:${port.port}`}`
}

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
  canary: Deployment | undefined
  plan: RolloutPlan
  service: Service | undefined
  pods: readonly Pod[]
  nodes: readonly Node[]
  /** What stood in the way of this look itself: a name taken by somebody else. */
  obstacle: Problem | undefined
  verdict: Verdict
}

/** The one status that says what is happening and why. @param now a timestamp */
export function workloadStatus(workload: Workload, facts: WorkloadFacts, now: string): WorkloadStatus {
  const { deployment, canary, service, nodes, verdict } = facts
  const counts = countsOf(workload, facts)
  const { isComplete } = counts
  const failure = [canary, deployment]
    .map(d => conditionOf(d?.status?.conditions, 'ReplicaFailure'))
    .find(found => found !== undefined)
  const problem =
    facts.obstacle ??
    (isComplete
      ? undefined
      : (worstProblem(facts.pods) ??
        (failure && { weight: 95, reason: failure.reason ?? 'FailedCreate', message: failure.message ?? '' })))
  const back = rolledBack(workload, verdict, problem, now)
  const state = stateOf(workload, facts, counts, problem)
  const message = back?.status === 'True' ? `${state}; ${back.message}` : state

  const condition = (type: string, status: boolean, reason: string) =>
    workloadCondition(workload, { type, status, reason, message }, now)
  const isReady = isComplete && !facts.obstacle
  const progress = conditionOf((canary ?? deployment)?.status?.conditions, 'Progressing')
  const stuck = progress?.reason === 'ProgressDeadlineExceeded' || !!facts.obstacle
  let conditions = workload.status?.conditions ?? []
  const readyReason = isReady
    ? counts.wanted
      ? 'ReplicasReady'
      : 'ScaledToZero'
    : (problem?.reason ?? (canary ? 'Canary' : 'Starting'))
  conditions = withLatestCondition(conditions, condition('Ready', isReady, readyReason))
  const moving = canary ? 'Canary' : 'Updating'
  const progressReason = isReady ? 'Complete' : stuck ? (problem?.reason ?? 'ProgressDeadlineExceeded') : moving
  conditions = withLatestCondition(conditions, condition('Progressing', !isReady && !stuck, progressReason))
  if (back) conditions = withLatestCondition(conditions, back)

  const url = urlOf(workload, service, nodes)
  return {
    observedGeneration: workload.metadata.generation ?? 0,
    replicas: counts.replicas,
    readyReplicas: counts.ready,
    updatedReplicas: counts.updated,
    selector: labelsText(workloadSelector(workload)),
    ...(url ? { url } : {}),
    ...verdict.memory,
    message,
    conditions,
  }
}

/** A condition about the generation that was looked at. */
export function workloadCondition(
  { metadata }: Workload,
  { type, status, reason, message }: { type: string; status: boolean; reason: string; message: string },
  now: string,
): WorkloadCondition {
  const observedGeneration = metadata.generation ?? 0
  return { type, status: status ? 'True' : 'False', reason, message, observedGeneration, lastTransitionTime: now }
}

interface Counts {
  wanted: number
  replicas: number
  ready: number
  updated: number
  /** All that is wanted runs, and nothing else. */
  isComplete: boolean
}

function countsOf({ spec }: Workload, { deployment, canary, plan }: WorkloadFacts): Counts {
  const wanted = spec.replicas ?? 1
  const main = deployment?.status ?? {}
  const beside = canary?.status ?? {}
  const known = !!deployment && (main.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  const replicas = (main.replicas ?? 0) + (beside.replicas ?? 0)
  const ready = (main.readyReplicas ?? 0) + (beside.readyReplicas ?? 0)
  const updated = plan.kind === 'canary' ? (beside.updatedReplicas ?? 0) : (main.updatedReplicas ?? 0)
  const isComplete = plan.kind !== 'canary' && known && ready >= wanted && updated === wanted && replicas === wanted
  return { wanted, replicas, ready, updated, isComplete }
}

function stateOf(
  { spec }: Workload,
  { plan, verdict: { waits } }: WorkloadFacts,
  { wanted, ready, updated, isComplete }: Counts,
  problem: Problem | undefined,
): string {
  if (plan.kind !== 'canary') {
    if (problem) return problem.message
    return `${summary(wanted, ready, updated, isComplete)}${waits ? `, ${waits}` : ''}`
  }
  const step = `canary step ${plan.step} of ${plan.of}`
  if (problem) return `${step}: ${problem.message}`
  const share = `${updated} of ${wanted} pods ${updated === 1 ? 'runs' : 'run'} ${spec.image}`
  const part = plan.weight === undefined ? '' : `, ${plan.weight} % of the requests`
  return `${step}: ${share}${part}${waits ? `; ${waits}` : ''}`
}

/** The verdict about an update keeps its words; undefined while there never was one. */
function rolledBack(
  workload: Workload,
  { memory: { failedRevision }, failure }: Verdict,
  problem: Problem | undefined,
  now: string,
): WorkloadCondition | undefined {
  const known = conditionOf(workload.status?.conditions, 'RolledBack')
  const condition = (status: boolean, reason: string, message: string) =>
    workloadCondition(workload, { type: 'RolledBack', status, reason, message }, now)
  if (!failedRevision) return known && condition(false, 'AnotherTry', 'what is wanted was not given up')
  if (!failure) return known
  const why = problem ? `: ${problem.message}` : ''
  return condition(true, failure.reason, `rolled back, ${workload.spec.image} ${failure.message}${why}`)
}

function summary(wanted: number, ready: number, updated: number, complete: boolean): string {
  if (complete) return wanted ? `${ready} of ${wanted} ready` : 'scaled to zero'
  if (updated < wanted && ready >= wanted) return `updating: ${updated} of ${wanted} are new`
  return `starting: ${ready} of ${wanted} ready`
}
