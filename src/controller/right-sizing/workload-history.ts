import { quantityToFloat } from '../../base/quantity.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { RecommendationStatus } from '../../models/types/optiflow-v1.ts'
import { ContainerHistory } from './container-history.ts'
import { recommend } from './estimate.ts'
import type { PodUsage } from './usage-source.ts'

/** What the pods of one workload have used, container by container. */
export class WorkloadHistory {
  readonly #containers = new Map<string, ContainerHistory>()
  /** Wall time of the newest figures, by uid of the pod. */
  readonly #seen = new Map<string, number>()

  constructor(saved?: RecommendationStatus) {
    for (const checkpoint of saved?.checkpoints ?? [])
      this.#containers.set(checkpoint.containerName, new ContainerHistory(checkpoint))
  }

  /** @param usages by name of the pod. @returns whether anything is new */
  note(pods: readonly Pod[], usages: ReadonlyMap<string, PodUsage>, sinceMs: number): boolean {
    let news = false
    for (const pod of pods) {
      if (this.#noteKills(pod, sinceMs)) news = true
      const usage = usages.get(pod.metadata.name)
      if (!usage || usage.atMs <= (this.#seen.get(pod.metadata.uid) ?? 0)) continue
      this.#seen.set(pod.metadata.uid, usage.atMs)
      this.#noteUsage(pod, usage)
      news = true
    }
    this.#forget(new Set(pods.map(p => p.metadata.uid)))
    return news
  }

  /** @param containers those of the workload's template. @param everyMs how often it is measured */
  status(containers: readonly Container[], everyMs: number, now: string): RecommendationStatus {
    const names = new Set(containers.map(c => c.name))
    for (const name of this.#containers.keys()) if (!names.has(name)) this.#containers.delete(name)
    const containerRecommendations = containers.flatMap(({ name, resources }) => {
      const history = this.#containers.get(name)
      const limits = resources?.limits ?? {}
      const options = { containerName: name, containers: containers.length, everyMs, limits }
      return (history && recommend(history, options)) ?? []
    })
    return {
      lastUpdateTime: now,
      recommendation: { containerRecommendations },
      checkpoints: [...this.#containers].map(([name, history]) => history.save(name)),
    }
  }

  #noteUsage(pod: Pod, { atMs, containers }: PodUsage): void {
    for (const { name, cores, bytes } of containers) {
      const spec = pod.spec.containers.find(c => c.name === name)
      if (!spec) continue
      const history = this.#historyOf(name)
      history.addCpu(cores, quantityToFloat(spec.resources?.requests?.['cpu'] ?? '0'), atMs)
      history.addMemory(pod.metadata.uid, bytes, atMs)
    }
  }

  /** Containers that were ended for want of memory since then. */
  #noteKills(pod: Pod, sinceMs: number): boolean {
    let news = false
    for (const { name, lastState } of pod.status?.containerStatuses ?? []) {
      const ended = lastState?.terminated
      const atMs = Date.parse(ended?.finishedAt ?? '')
      if (ended?.reason !== 'OOMKilled' || !(atMs > sinceMs)) continue
      const { limits, requests } = pod.spec.containers.find(c => c.name === name)?.resources ?? {}
      this.#historyOf(name).outOfMemory(
        pod.metadata.uid,
        quantityToFloat(limits?.['memory'] ?? requests?.['memory'] ?? '0'),
        atMs,
      )
      news = true
    }
    return news
  }

  #historyOf(name: string): ContainerHistory {
    let history = this.#containers.get(name)
    if (!history) this.#containers.set(name, (history = new ContainerHistory()))
    return history
  }

  #forget(there: ReadonlySet<string>): void {
    for (const uid of this.#seen.keys()) if (!there.has(uid)) this.#seen.delete(uid)
    for (const history of this.#containers.values()) history.keepPods(there)
  }
}
