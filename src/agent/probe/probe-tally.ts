import type { Pod } from '../../models/types/core-v1.ts'
import type { Purpose } from './probe-state.ts'

/** Upper ends of the classes of durations, in seconds: Prometheus' usual ones, which kubelet has. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** What came of one container's probes of one purpose so far. */
export interface ProbeSeries {
  namespace: string
  pod: string
  podUid: string
  container: string
  purpose: Purpose
  successful: number
  failed: number
  /** Of those that passed: how long they took in all, and how many belong into each of `durationBuckets` or a smaller one. */
  seconds: number
  within: number[]
}

/** Counts the probes of a node, as long as their pods are there. */
export class ProbeTally {
  readonly #pods = new Map<string, Map<string, ProbeSeries>>()

  note({ metadata }: Pod, container: string, purpose: Purpose, ok: boolean, seconds: number): void {
    const { name, namespace = '', uid = '' } = metadata
    let pod = this.#pods.get(uid)
    if (!pod) this.#pods.set(uid, (pod = new Map()))
    const key = `${container}/${purpose}`
    let series = pod.get(key)
    if (!series) {
      const about = { namespace, pod: name, podUid: uid, container, purpose }
      pod.set(key, (series = { ...about, successful: 0, failed: 0, seconds: 0, within: durationBuckets.map(() => 0) }))
    }
    if (!ok) {
      series.failed++
      return
    }
    series.successful++
    series.seconds += seconds
    for (const [i, end] of durationBuckets.entries()) if (seconds <= end) series.within[i]!++
  }

  forget(podUid: string): void {
    this.#pods.delete(podUid)
  }

  get all(): ProbeSeries[] {
    return [...this.#pods.values()].flatMap(pod => [...pod.values()])
  }
}
