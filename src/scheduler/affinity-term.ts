import { type LabelSelectorLike, selectorFrom } from '../base/labels.ts'
import type { Pod, PodAffinityTerm } from '../models/types/core-v1.ts'

/** Labels by namespace. */
export type NamespaceLabels = (namespace: string) => Record<string, string> | undefined

/** Something with a namespace and labels: a pod, or a class of equal pods. */
export interface Labelled {
  namespace: string
  labels: Record<string, string>
}

/** A pod affinity term, parsed: which pods it means, and within what. Terms of one meaning have one `key`. */
export interface AffinityTerm {
  key: string
  topologyKey: string
  /** 1 … 100 for preferred terms, 0 for required ones. */
  weight: number
  matches(pod: Labelled, namespaceLabels: NamespaceLabels): boolean
}

export function affinityTerm(pod: Pod, term: PodAffinityTerm, weight = 0): AffinityTerm {
  const { topologyKey, namespaceSelector } = term
  const own = pod.metadata.namespace ?? ''
  // Neither given means the pod's own namespace.
  const namespaces = new Set(term.namespaces?.length || namespaceSelector ? (term.namespaces ?? []) : [own])
  const selector = selectorFrom(withLabelKeys(pod, term))
  const inNamespaces = namespaceSelector ? selectorFrom(namespaceSelector) : undefined
  const within = inNamespaces ? `all ${inNamespaces}` : ''
  return {
    key: JSON.stringify([topologyKey, weight, [...namespaces].sort(), within, String(selector), selector.nothing]),
    topologyKey,
    weight,
    matches(other, labelsOf) {
      const here = namespaces.has(other.namespace) || (inNamespaces?.matches(labelsOf(other.namespace)) ?? false)
      return here && selector.matches(other.labels)
    },
  }
}

/** The selector with the pod's own values of matchLabelKeys required and of mismatchLabelKeys refused. */
export function withLabelKeys(
  pod: Pod,
  term: { labelSelector?: LabelSelectorLike; matchLabelKeys?: string[]; mismatchLabelKeys?: string[] },
): LabelSelectorLike | undefined {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term
  const labels = pod.metadata.labels ?? {}
  const more = [
    ...matchLabelKeys.map(key => ({ key, operator: 'In' })),
    ...mismatchLabelKeys.map(key => ({ key, operator: 'NotIn' })),
  ]
    .filter(({ key }) => Object.hasOwn(labels, key))
    .map(r => ({ ...r, values: [labels[r.key]!] }))
  if (!labelSelector || !more.length) return labelSelector
  return { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...more] }
}
