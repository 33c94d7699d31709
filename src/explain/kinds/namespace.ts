import { conditionOf } from '../../models/conditions.ts'
import { Namespace } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits } from '../explanation.ts'

/** What each condition of a namespace that ends is about, and what helps. */
const troubles: readonly [type: string, next: string][] = [
  [
    'NamespaceDeletionDiscoveryFailure',
    'A server of another API does not answer: kubectl get apiservices; mend it, or delete its APIService.',
  ],
  ['NamespaceDeletionGroupVersionParsingFailure', 'Delete the APIService with that name.'],
  ['NamespaceDeletionContentFailure', 'See what is said about these objects; a webhook may refuse to let them go.'],
  ['NamespaceContentRemaining', 'List them: kubectl get KIND -n NAME; most go by themselves.'],
  [
    'NamespaceFinalizersRemaining',
    'Who set the finalizer must take it off; it hardly can when it does not run any more.',
  ],
]

export const namespace: Explainer<Namespace> = {
  kind: Namespace,
  summary: ({ status }) => `it is ${status?.phase ?? 'Active'}`,
  findings({ metadata, status, spec }) {
    if (!metadata.deletionTimestamp) return []
    const found: Finding[] = []
    for (const [type, next] of troubles) {
      const condition = conditionOf(status?.conditions, type)
      if (condition?.status === 'True') found.push(stops(`${condition.message}`, next.replace('NAME', metadata.name)))
    }
    const others = (spec?.finalizers ?? []).filter(name => name !== 'kubernetes')
    if (others.length) found.push(stops(`spec.finalizers holds it: ${others.join(', ')}`))
    return found.length ? found : [waits('what is in it is being deleted')]
  },
}
