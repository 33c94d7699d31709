import { selectorFrom } from '../../base/labels.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import { movable } from '../simulate/simulate.ts'

const safeToEvict = 'cluster-autoscaler.kubernetes.io/safe-to-evict'

/** Which pods may be moved by the budgets as they are. */
export class Disruptions {
  readonly #left: { budget: PodDisruptionBudget; matches(labels?: Record<string, string>): boolean; allowed: number }[]

  constructor(budgets: readonly PodDisruptionBudget[]) {
    this.#left = budgets.map(budget => {
      const selector = selectorFrom(budget.spec.selector)
      const matches = (labels?: Record<string, string>) => selector.matches(labels)
      return { budget, matches, allowed: budget.status?.disruptionsAllowed ?? 0 }
    })
  }

  /** All of them at once: each budget allows as many as it covers, somebody makes them anew, and none asks to stay. */
  allow(pods: readonly Pod[]): boolean {
    const stay = (pod: Pod) =>
      !movable(pod) ||
      pod.metadata.deletionTimestamp !== undefined ||
      pod.metadata.annotations?.[safeToEvict] === 'false'
    return !pods.some(stay) && this.#left.every(one => pods.filter(pod => covers(one, pod)).length <= one.allowed)
  }
}

function covers(
  { budget, matches }: { budget: PodDisruptionBudget; matches(labels?: Record<string, string>): boolean },
  { metadata }: Pod,
): boolean {
  return budget.metadata.namespace === metadata.namespace && matches(metadata.labels)
}
