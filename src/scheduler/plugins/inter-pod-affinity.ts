import { same } from '../../base/equality.ts'
import type { AffinityTerm, NamespaceLabels } from '../affinity-term.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass } from '../pod-class.ts'
import type { Snapshot, TermGroup } from '../snapshot.ts'
import type { PodCounter, TopologyColumn } from '../topology.ts'

interface State {
  /** A pod that matches all affinity terms must be in each of these domains. */
  affinity: PodCounter[]
  /** The first of a group that wants to be together: any node with the labels will do. */
  first: boolean
  affinityColumns: TopologyColumn[]
  antiAffinity: PodCounter[]
  /** Placed pods that want no such pod near them. */
  existing: PodCounter[]
  weighted: { counter: PodCounter; weight: number }[]
}

export interface InterPodAffinityArgs {
  /** A required affinity of a placed pod draws matching pods near it as a preference of this weight would, 0 to 100; 1 unless given. */
  hardPodAffinityWeight?: number
  /** Pods that prefer nothing themselves are not drawn or pushed by what placed pods prefer. */
  ignorePreferredTermsOfExistingPods?: boolean
}

type Group = 'affinity' | 'antiAffinity' | 'preferredAffinity' | 'preferredAntiAffinity'

const far = "node(s) didn't match pod affinity rules"
const near = "node(s) didn't match pod anti-affinity rules"
const unwanted = "node(s) didn't satisfy existing pods anti-affinity rules"

/**
 * Pod affinity and anti-affinity, of the pod towards others and of others towards it. Score: Σ weight × matching pods in the
 * node's domain (anti-affinity counts down), stretched to 0 … 100.
 */
export const interPodAffinityWith = ({
  hardPodAffinityWeight = 1,
  ignorePreferredTermsOfExistingPods: ignores = false,
}: InterPodAffinityArgs): SchedulerPlugin<State> => ({
  name: 'InterPodAffinity',
  scope: 'cluster',
  prepare(_pod, snapshot, { class: c }) {
    const existing = existingAgainst(c, snapshot)
    const indifferent = !c.preferredAffinity.length && !c.preferredAntiAffinity.length
    const weighted = ignores && indifferent ? [] : preferences(c, snapshot, hardPodAffinityWeight)
    if (!c.affinity.length && !c.antiAffinity.length && !existing.length && !weighted.length) return undefined
    const affinity = c.affinity.map(term => allTerms(c, term, snapshot))
    const labelsOf = snapshot.namespaceLabels
    return {
      affinity,
      first: affinity.every(counter => counter.total === 0) && c.affinity.every(t => t.matches(c, labelsOf)),
      affinityColumns: c.affinity.map(t => snapshot.topology(t.topologyKey)),
      antiAffinity: c.antiAffinity.map(term => matching(term, snapshot)),
      existing,
      weighted,
    }
  },
  refuses: ({ affinity, antiAffinity, existing }) => affinity.length + antiAffinity.length + existing.length > 0,
  filter({ affinity, first, affinityColumns, antiAffinity, existing }, { index }) {
    for (const column of affinityColumns) if (column.domainOf[index]! < 0) return far
    if (!first) for (const counter of affinity) if (counter.at(index) <= 0) return far
    for (const counter of antiAffinity) if (counter.at(index) > 0) return near
    for (const counter of existing) if (counter.at(index) > 0) return unwanted
    return undefined
  },
  refuseRows({ affinity, first, affinityColumns, antiAffinity, existing }, verdicts, numberOf) {
    for (const column of affinityColumns) column.refuseMissing(verdicts, numberOf(far))
    if (!first) for (const counter of affinity) counter.refuseEmpty(verdicts, numberOf(far))
    for (const counter of antiAffinity) counter.refuseAbove(0, verdicts, numberOf(near))
    for (const counter of existing) counter.refuseAbove(0, verdicts, numberOf(unwanted))
  },
  evictionHelps({ affinity, first, affinityColumns }, { index }) {
    if (affinityColumns.some(column => column.domainOf[index]! < 0)) return false
    return first || affinity.every(counter => counter.at(index) > 0)
  },
  scores: state => state.weighted.length > 0,
  score({ weighted }, { index }) {
    let sum = 0
    for (const { counter, weight } of weighted) sum += Math.max(counter.at(index), 0) * weight
    return sum
  },
  scoreRows({ weighted }, fitting, scores) {
    for (const { counter, weight } of weighted) counter.addTo(scores, fitting, weight)
  },
  normalize(_state, scores) {
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! < min) min = scores[i]!
      if (scores[i]! > max) max = scores[i]!
    }
    for (let i = 0; i < scores.length; i++)
      scores[i] = max > min ? Math.floor((100 * (scores[i]! - min)) / (max - min)) : 0
  },
  wakes(e, { class: c }, { namespaceLabels }) {
    switch (e.type) {
      case 'object-changed':
        return false
      case 'node-updated':
        return e.changed.has('labels')
      case 'pod-placed':
        return isDrawn(c, e.pod.class, namespaceLabels)
      case 'pod-removed':
        return isFreed(c, e.pod.class, namespaceLabels)
      case 'pod-updated': {
        const [before, after] = [e.old.class, e.pod.class]
        return (
          !same(before.labels, after.labels) &&
          (isDrawn(c, after, namespaceLabels) || isFreed(c, before, namespaceLabels))
        )
      }
      default:
        return true
    }
  },
})

export const interPodAffinity = interPodAffinityWith({})

/** Such a pod near by may be what was missing. */
const isDrawn = (c: PodClass, by: PodClass, labelsOf: NamespaceLabels) =>
  c.affinity.length > 0 && c.affinity.every(t => t.matches(by, labelsOf))

/** Such a pod may have been in the way, or the last of those that the pod would be the first of now. */
const isFreed = (c: PodClass, of: PodClass, labelsOf: NamespaceLabels) =>
  c.antiAffinity.some(t => t.matches(of, labelsOf)) ||
  of.antiAffinity.some(t => t.matches(c, labelsOf)) ||
  isDrawn(c, of, labelsOf)

/** Pods that the term means. */
function matching(term: AffinityTerm, snapshot: Snapshot): PodCounter {
  return snapshot.counter(`matches ${term.key}`, {
    topologyKey: term.topologyKey,
    weigh: p => (term.matches(p, snapshot.namespaceLabels) ? 1 : 0),
  })
}

/** Pods that all affinity terms of the class mean, by the topology of one of them. */
function allTerms(c: PodClass, term: AffinityTerm, snapshot: Snapshot): PodCounter {
  const key = `all ${term.topologyKey} ${c.affinity.map(t => t.key).join(' ')}`
  return snapshot.counter(key, {
    topologyKey: term.topologyKey,
    weigh: p => (c.affinity.every(t => t.matches(p, snapshot.namespaceLabels)) ? 1 : 0),
  })
}

/** Pods that have the term themselves. */
function having(group: Group, term: AffinityTerm, snapshot: Snapshot): PodCounter {
  return snapshot.counter(`${group} ${term.key}`, {
    topologyKey: term.topologyKey,
    weigh: p => p[group].filter(t => t.key === term.key).length,
  })
}

function* meaning(c: PodClass, terms: TermGroup, snapshot: Snapshot): Generator<AffinityTerm> {
  for (const { term } of terms.values()) if (term.matches(c, snapshot.namespaceLabels)) yield term
}

function existingAgainst(c: PodClass, snapshot: Snapshot): PodCounter[] {
  const out: PodCounter[] = []
  for (const term of meaning(c, snapshot.termsOfPlaced.antiAffinity, snapshot))
    out.push(having('antiAffinity', term, snapshot))
  return out
}

function preferences(c: PodClass, snapshot: Snapshot, requiredAsPreferred: number): State['weighted'] {
  const out: State['weighted'] = []
  const add = (counter: PodCounter, weight: number) => {
    if (counter.total) out.push({ counter, weight })
  }
  for (const term of c.preferredAffinity) add(matching(term, snapshot), term.weight)
  for (const term of c.preferredAntiAffinity) add(matching(term, snapshot), -term.weight)
  const { preferredAffinity, preferredAntiAffinity, affinity } = snapshot.termsOfPlaced
  for (const term of meaning(c, preferredAffinity, snapshot))
    add(having('preferredAffinity', term, snapshot), term.weight)
  for (const term of meaning(c, preferredAntiAffinity, snapshot))
    add(having('preferredAntiAffinity', term, snapshot), -term.weight)
  if (!requiredAsPreferred) return out
  for (const term of meaning(c, affinity, snapshot)) add(having('affinity', term, snapshot), requiredAsPreferred)
  return out
}
