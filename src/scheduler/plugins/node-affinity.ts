import { namedNodes, nodeSelectorTest, requiredNodeTest, termTest } from '../../models/node-selector.ts'
import type { Node, NodeAffinity, PreferredSchedulingTerm } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'

type Test = (node: Node) => boolean
interface Preference {
  weight: number
  test: Test
}

interface State {
  required: Test | undefined
  named: Set<string> | undefined
  preferred: readonly Preference[]
}

export interface NodeAffinityArgs {
  /** Holds for every pod of the profile, besides what the pod itself says. */
  addedAffinity?: NodeAffinity
}

/** nodeSelector and node affinity. The sum of the weights of the preferred terms that match, in proportion to the highest. */
export function nodeAffinityWith({ addedAffinity = {} }: NodeAffinityArgs): SchedulerPlugin<State> {
  const { requiredDuringSchedulingIgnoredDuringExecution: must } = addedAffinity
  const enforced: Test | undefined = must && nodeSelectorTest(must)
  const addedPreferred = preferences(addedAffinity.preferredDuringSchedulingIgnoredDuringExecution)
  return {
    name: 'NodeAffinity',
    byShape: true,
    lasting: true,
    prepare(pod) {
      const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
      const required = requiredNodeTest(pod)
      const preferred = [...addedPreferred, ...preferences(terms)]
      if (!enforced && !required && !preferred.length) return undefined
      return { required, named: namedNodes(pod), preferred }
    },
    refuseAll: ({ named }) => (named?.size === 0 ? 'pod affinity terms conflict' : undefined),
    candidates: state => state.named,
    filter({ required }, { node }) {
      if (enforced && !enforced(node)) return "node(s) didn't match scheduler-enforced node affinity"
      return !required || required(node) ? undefined : "node(s) didn't match Pod's node affinity/selector"
    },
    scores: state => state.preferred.length > 0,
    score({ preferred }, { node }) {
      let sum = 0
      for (const { weight, test } of preferred) if (test(node)) sum += weight
      return sum
    },
    normalize: 'highest',
    wakes: (e, { pod }) =>
      (e.type === 'node-added' || (e.type === 'node-updated' && e.changed.has('labels'))) &&
      (!enforced || enforced(e.node)) &&
      (requiredNodeTest(pod)?.(e.node) ?? true),
  }
}

export const nodeAffinity = nodeAffinityWith({})

/** An empty preferred term matches everything: it adds the same to all. */
function preferences(terms: readonly PreferredSchedulingTerm[] = []): Preference[] {
  return terms
    .filter(t => t.weight && (t.preference.matchExpressions?.length || t.preference.matchFields?.length))
    .map(t => ({ weight: t.weight, test: termTest(t.preference) }))
}
