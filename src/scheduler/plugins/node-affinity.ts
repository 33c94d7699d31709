import { namedNodes, requiredNodeTest, termTest } from '../../models/node-selector.ts'
import type { Node } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'

interface State {
  required: ((node: Node) => boolean) | undefined
  named: Set<string> | undefined
  preferred: { weight: number; test: (node: Node) => boolean }[]
}

/** nodeSelector and node affinity. The sum of the weights of the preferred terms that match, in proportion to the highest. */
export const nodeAffinity: SchedulerPlugin<State> = {
  name: 'NodeAffinity',
  byShape: true,
  lasting: true,
  prepare(pod) {
    const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    const required = requiredNodeTest(pod)
    if (!required && !terms.length) return undefined
    // An empty preferred term matches everything: it adds the same to all.
    const preferred = terms
      .filter(t => t.weight && (t.preference.matchExpressions?.length || t.preference.matchFields?.length))
      .map(t => ({ weight: t.weight, test: termTest(t.preference) }))
    return { required, named: namedNodes(pod), preferred }
  },
  candidates: state => state.named,
  filter: ({ required }, { node }) =>
    !required || required(node) ? undefined : "node(s) didn't match Pod's node affinity/selector",
  scores: state => state.preferred.length > 0,
  score({ preferred }, { node }) {
    let sum = 0
    for (const { weight, test } of preferred) if (test(node)) sum += weight
    return sum
  },
  normalize: 'highest',
  wakes: e => e.type === 'node-added' || (e.type === 'node-updated' && e.changed.has('labels')),
}
