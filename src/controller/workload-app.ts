import type { Cache } from '../client/reconciler.ts'
import {
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Node,
  Pod,
  ReplicaSet,
  Service,
  type Workload,
} from '../models/kinds/index.ts'
import { type Draft, keyOf } from '../models/object.ts'
import { generations } from './deployment-replicas.ts'
import { isComplete } from './deployment-status.ts'
import { stableHash } from './template-hash.ts'
import { configAnnotation, configFingerprint } from './workload-config.ts'
import { tallyOf } from './workload-errors.ts'
import { waitsFor } from './workload-order.ts'
import {
  autoscalerOf,
  canaryName,
  canaryOf,
  canaryServiceOf,
  deploymentOf,
  ingressOf,
  serviceOf,
  withTemplate,
} from './workload-parts.ts'
import { besideCanary, planRollout, type RolloutPlan, type Wanted, wantedOf } from './workload-rollout.ts'
import type { WorkloadFacts } from './workload-status.ts'
import { judge, type Verdict } from './workload-verdict.ts'
import { ensure, ensureClaims, type Round } from './workload-write.ts'

/** What one look at an app has found out. */
export interface AppLook {
  facts: WorkloadFacts
  verdict: Verdict
}

/** Makes what runs for ever what it should be: its Deployment and, for a while, a second one for the canary, and what leads to them. */
export async function lookAtApp(round: Round, nowMs: number): Promise<AppLook> {
  const { world, workload, obstacles } = round
  const { cache } = world
  const draft = deploymentOf(workload, configState(round))
  const wanted = wantedOf(workload, stableHash(draft.spec.template))
  const plan = planRollout(workload, wanted, setsOf(cache, cache.get(Deployment, keyOf(workload))))
  await ensureClaims(round)
  const waits = waitsFor(workload, cache)
  if (waits) obstacles.push(waits)
  const canary =
    plan.kind === 'canary'
      ? await ensure(round, Deployment, canaryOf(workload, draft, plan.size), canaryName(workload))
      : undefined
  const deployment = waits ? undefined : await ensure(round, Deployment, mainDraft(draft, plan, canary))
  if (plan.kind !== 'canary') await endCanary(round, plan, deployment)
  const service = await ensure(round, Service, serviceOf(workload))
  const weight = plan.kind === 'canary' ? plan.weight : undefined
  const canaryService = weight === undefined ? undefined : canaryServiceOf(workload, weight)
  await ensure(round, Service, canaryService, canaryName(workload))
  await ensure(round, Ingress, ingressOf(workload))
  await ensure(round, HorizontalPodAutoscaler, autoscalerOf(workload))
  const verdict = await judged(round, { wanted, plan, deployment, canary, nowMs })
  const pods = [...podsOf(cache, canary), ...podsOf(cache, deployment)]
  const facts = { deployment, canary, plan, service, pods, nodes: cache.list(Node), obstacle: obstacles[0], verdict }
  return { facts, verdict }
}

/** Of what its pods read; what they have now while something is missing, which a restart would not make better. */
function configState({ world, workload }: Round): string | undefined {
  if (workload.spec.restartOnConfigChange === false) return undefined
  const { cache } = world
  const actual = cache.get(Deployment, canaryKey(workload)) ?? cache.get(Deployment, keyOf(workload))
  return configFingerprint(workload, world) ?? actual?.spec.template.metadata?.annotations?.[configAnnotation]
}

const canaryKey = (workload: Workload) => ({ namespace: workload.metadata.namespace!, name: canaryName(workload) })

/** A canary that has passed still serves until all others are new. */
async function endCanary(round: Round, plan: RolloutPlan, deployment: Deployment | undefined): Promise<void> {
  const { rollout } = round.workload.status ?? {}
  const goesOn = plan.kind === 'everywhere' && rollout && !rollout.since
  if (goesOn && !(deployment && isComplete(deployment, deployment.status ?? {}))) return
  await ensure(round, Deployment, undefined, canaryName(round.workload))
}

function mainDraft(draft: Draft<Deployment>, plan: RolloutPlan, canary: Deployment | undefined): Draft<Deployment> {
  if (plan.kind === 'everywhere') return draft
  if (plan.kind === 'back') return withTemplate(draft, plan.stable)
  const ready = Math.min(canary?.status?.readyReplicas ?? 0, plan.size)
  return withTemplate(draft, plan.stable, besideCanary(draft.spec.replicas!, ready))
}

interface Seen {
  wanted: Wanted
  plan: RolloutPlan
  deployment: Deployment | undefined
  canary: Deployment | undefined
  nowMs: number
}

async function judged({ world, workload }: Round, seen: Seen): Promise<Verdict> {
  const { deployment, canary, plan } = seen
  const sets = setsOf(world.cache, deployment)
  const canarySets = setsOf(world.cache, canary)
  const current = deployment && generations(deployment, sets).current
  const pods =
    plan.kind === 'canary' ? podsOf(world.cache, canary) : current ? world.cache.ownedBy(Pod, current.metadata.uid) : []
  const isUpdate = plan.kind === 'canary' || workload.status?.rolledOutRevision !== seen.wanted.revision
  const tally = isUpdate ? await tallyOf(world, workload, pods) : { failedChecks: 0, restarts: 0 }
  return judge({ workload, ...seen, sets, canarySets, tally })
}

function setsOf(cache: Cache, deployment: Deployment | undefined): ReplicaSet[] {
  return deployment ? cache.ownedBy(ReplicaSet, deployment.metadata.uid) : []
}

function podsOf(cache: Cache, deployment: Deployment | undefined): Pod[] {
  return setsOf(cache, deployment).flatMap(rs => cache.ownedBy(Pod, rs.metadata.uid))
}
