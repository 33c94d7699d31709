import type { Container, PodSpec } from './types/core-v1.ts'

/** How amounts are added and compared. */
export interface Reckoning<A> {
  sum(one: A, other: A): A
  less(one: A, other: A): boolean
}

export const numbers: Reckoning<number> = { sum: (one, other) => one + other, less: (one, other) => one < other }

/**
 * What a pod takes by resource: the sum of its containers and sidecars, or what its hungriest init step needs beside the
 * sidecars started before it, whichever is more. Overhead is not in it.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
export function podTotal<K, A>(
  { containers, initContainers = [] }: PodSpec,
  of: (container: Container) => ReadonlyMap<K, A>,
  reckoning: Reckoning<A>,
): Map<K, A> {
  const total = new Map<K, A>()
  for (const container of containers ?? []) addAmounts(total, of(container), reckoning)
  const sidecars = new Map<K, A>()
  const largestStep = new Map<K, A>()
  for (const container of initContainers) {
    const own = of(container)
    if (container.restartPolicy === 'Always') {
      addAmounts(total, own, reckoning)
      addAmounts(sidecars, own, reckoning)
      raiseAmounts(largestStep, sidecars, reckoning)
    } else raiseAmounts(largestStep, addAmounts(new Map(sidecars), own, reckoning), reckoning)
  }
  return raiseAmounts(total, largestStep, reckoning)
}

/** @returns `total`, to which `more` has been added */
export function addAmounts<K, A>(total: Map<K, A>, more: ReadonlyMap<K, A>, { sum }: Reckoning<A>): Map<K, A> {
  for (const [name, amount] of more) {
    const known = total.get(name)
    total.set(name, known === undefined ? amount : sum(known, amount))
  }
  return total
}

/** @returns `total`, of each resource at least what `least` says */
export function raiseAmounts<K, A>(total: Map<K, A>, least: ReadonlyMap<K, A>, { less }: Reckoning<A>): Map<K, A> {
  for (const [name, amount] of least) {
    const known = total.get(name)
    if (known === undefined || less(known, amount)) total.set(name, amount)
  }
  return total
}
