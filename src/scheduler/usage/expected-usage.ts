import { quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import { controllerOf } from '../../client/index.ts'
import { recommendationName } from '../../models/kinds/optiflow/recommendation.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { Recommendation, RecommendationContainer } from '../../models/types/optiflow-v1.ts'
import type { ObjectTable } from '../object-table.ts'
import type { PodClass } from '../pod-class.ts'

/** What a pod is expected to use of one resource: half of the time no more than `usual`, at its busy times `burst` more. */
export interface Expected {
  usual: number
  burst: number
}

export interface PodUsage {
  /** Pods of one workload are busy at the same times. Undefined: nothing was measured. */
  workload: string | undefined
  cpuMillis: Expected
  memoryBytes: Expected
}

const known = new WeakMap<ObjectTable<Recommendation>, { version: number; usage: ExpectedUsage }>()

/** What pods are expected to use: as measured of their workload, else what they ask for. */
export class ExpectedUsage {
  readonly #recommendations: ObjectTable<Recommendation>
  readonly #byClass = new WeakMap<PodClass, PodUsage>()

  /** As of the recommendations of this moment. */
  static of(recommendations: ObjectTable<Recommendation>): ExpectedUsage {
    const before = known.get(recommendations)
    if (before?.version === recommendations.version) return before.usage
    const usage = new ExpectedUsage(recommendations)
    known.set(recommendations, { version: recommendations.version, usage })
    return usage
  }

  constructor(recommendations: ObjectTable<Recommendation>) {
    this.#recommendations = recommendations
  }

  byClass(podClass: PodClass): PodUsage {
    let usage = this.#byClass.get(podClass)
    if (!usage) this.#byClass.set(podClass, (usage = this.#usageOf(podClass)))
    return usage
  }

  #usageOf({ example, scoredCpuMillis, scoredMemoryBytes }: PodClass): PodUsage {
    const workload = workloadOf(example)
    const known = workload === undefined ? undefined : this.#recommendations.get(workload)
    const measured = known?.status?.recommendation?.containerRecommendations
    if (!measured?.length)
      return {
        workload: undefined,
        cpuMillis: { usual: scoredCpuMillis, burst: 0 },
        memoryBytes: { usual: scoredMemoryBytes, burst: 0 },
      }
    const of = (resource: 'cpu' | 'memory', read: (quantity: string) => number) =>
      example.spec.containers
        .map(container => ofContainer(container, measured, resource, read))
        .reduce((a, b) => ({ usual: a.usual + b.usual, burst: a.burst + b.burst }))
    return { workload, cpuMillis: of('cpu', quantityToMillis), memoryBytes: of('memory', quantityToNumber) }
  }
}

function ofContainer(
  { name, resources }: Container,
  measured: readonly RecommendationContainer[],
  resource: string,
  read: (quantity: string) => number,
): Expected {
  const found = measured.find(m => m.containerName === name)
  const usual = found?.lowerBound?.[resource]
  const busy = (found?.uncappedTarget ?? found?.target)?.[resource]
  if (usual === undefined || busy === undefined)
    return { usual: read(resources?.requests?.[resource] ?? '0'), burst: 0 }
  return { usual: read(usual), burst: Math.max(0, read(busy) - read(usual)) }
}

/** Key of the recommendation for the pod's workload. A Deployment is known by the hash in its ReplicaSet's name. */
function workloadOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod)
  if (!owner) return undefined
  const ending = `-${pod.metadata.labels?.['pod-template-hash']}`
  const ofDeployment = owner.kind === 'ReplicaSet' && owner.name.endsWith(ending)
  const kind = ofDeployment ? 'Deployment' : owner.kind
  const name = ofDeployment ? owner.name.slice(0, -ending.length) : owner.name
  return `${pod.metadata.namespace}/${recommendationName(kind, name)}`
}
