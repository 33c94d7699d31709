import type { Pod } from '../../models/types/core-v1.ts'
import { isCritical } from './critical.ts'
import { type QosClass, qosClassOf } from './qos.ts'
import { podRequests } from './resources.ts'

/** What is missing, by resource, in the units of `podRequests`; `pods` counts them. All more than 0. */
export type Shortage = ReadonlyMap<string, number>

const takes = (pod: Pod): ReadonlyMap<string, number> => new Map([...podRequests(pod.spec), ['pods', 1]])

/** Pods by class, the first to be ended first. */
const classes: readonly QosClass[] = ['BestEffort', 'Burstable', 'Guaranteed']

/**
 * Which pods the node ends so that a critical one finds room: no Guaranteed one that Burstable ones could spare, no
 * Burstable one that BestEffort ones could spare, and few. Pure.
 * @param others pods that run here
 * @returns undefined: all of them together would not be enough
 * @see https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
 */
export function podsToPreempt(pod: Pod, others: readonly Pod[], shortage: Shortage): Pod[] | undefined {
  const lesser = others.filter(other => isLesser(pod, other))
  if (less(shortage, lesser).size) return undefined
  const [bestEffort, burstable, guaranteed] = classes.map(name => lesser.filter(p => qosClassOf(p.spec) === name)) as [
    Pod[],
    Pod[],
    Pod[],
  ]
  const third = fewest(guaranteed, less(shortage, [...bestEffort, ...burstable]))
  const second = fewest(burstable, less(shortage, [...bestEffort, ...third]))
  const first = fewest(bestEffort, less(shortage, [...second, ...third]))
  return [...first, ...second, ...third]
}

function isLesser(pod: Pod, other: Pod): boolean {
  if (!isCritical(other)) return true
  const [own, theirs] = [pod.spec.priority, other.spec.priority]
  return own !== undefined && theirs !== undefined && own > theirs
}

/** What is still missing without these. */
function less(shortage: Shortage, pods: readonly Pod[]): Map<string, number> {
  const left = new Map(shortage)
  for (const pod of pods)
    for (const [name, amount] of takes(pod)) {
      const missing = left.get(name)
      if (missing === undefined) continue
      if (missing > amount) left.set(name, missing - amount)
      else left.delete(name)
    }
  return left
}

/** One after the other the one that comes nearest to what is missing; of two as near the smaller. */
function fewest(pods: readonly Pod[], shortage: Shortage): Pod[] {
  const rest = [...pods]
  const chosen: Pod[] = []
  for (let missing = shortage; missing.size && rest.length; missing = less(missing, chosen.slice(-1))) {
    const nearness = (pod: Pod) => distance(takes(pod), missing)
    const best = rest.reduce((a, b) => {
      const nearer = nearness(b) - nearness(a)
      return nearer < 0 || (nearer === 0 && isSmaller(b, a)) ? b : a
    })
    rest.splice(rest.indexOf(best), 1)
    chosen.push(best)
  }
  return chosen
}

/** How much of what is missing a pod would leave missing, each resource by its share. */
function distance(requests: ReadonlyMap<string, number>, missing: Shortage): number {
  let sum = 0
  for (const [name, amount] of missing) sum += Math.max((amount - (requests.get(name) ?? 0)) / amount, 0) ** 2
  return sum
}

function isSmaller(one: Pod, other: Pod): boolean {
  const [a, b] = [takes(one), takes(other)]
  for (const name of ['memory', 'cpu']) {
    const [mine, theirs] = [a.get(name) ?? 0, b.get(name) ?? 0]
    if (mine !== theirs) return mine < theirs
  }
  return true
}
