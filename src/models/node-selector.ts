import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from './types/core-v1.ts'

/** As much of a node as selectors look at. */
export interface SelectableNode {
  metadata: { name: string; labels?: Readonly<Record<string, string>> }
}

type Test = (node: SelectableNode) => boolean

interface PodLike {
  spec: Pick<PodSpec, 'nodeSelector' | 'affinity'>
}

/** True if the node satisfies the pod's nodeSelector and its required node affinity. */
export function requiredNodeTest(pod: PodLike): Test | undefined {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {})
  const affinity = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!wanted.length && !affinity) return undefined
  const byAffinity = affinity ? nodeSelectorTest(affinity) : () => true
  return node => wanted.every(([key, value]) => labelOf(node, key) === value) && byAffinity(node)
}

/** Any of the terms; no terms match nothing. */
export function nodeSelectorTest(selector: NodeSelector): Test {
  const tests = selector.nodeSelectorTerms.map(termTest)
  return node => tests.some(test => test(node))
}

/** All requirements of a term; an empty term matches nothing. */
export function termTest(term: NodeSelectorTerm): Test {
  const tests = [
    ...(term.matchExpressions ?? []).map(r => requirementTest(r, node => labelOf(node, r.key))),
    ...(term.matchFields ?? []).map(r =>
      requirementTest(r, node => (r.key === 'metadata.name' ? node.metadata.name : undefined)),
    ),
  ]
  return tests.length ? node => tests.every(test => test(node)) : () => false
}

/** The only nodes that can match, if every term names them: what DaemonSet pods do. */
export function namedNodes(pod: PodLike): Set<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms?.length) return undefined
  const names = new Set<string>()
  for (const term of terms) {
    const named = term.matchFields?.filter(f => f.key === 'metadata.name' && f.operator === 'In') ?? []
    if (!named.length) return undefined
    const both = named.map(f => f.values ?? []).reduce((a, b) => a.filter(name => b.includes(name)))
    for (const name of both) names.add(name)
  }
  return names
}

function labelOf(node: SelectableNode, key: string): string | undefined {
  const labels = node.metadata.labels
  return labels && Object.hasOwn(labels, key) ? labels[key] : undefined
}

function requirementTest(
  { operator, values = [] }: NodeSelectorRequirement,
  read: (node: SelectableNode) => string | undefined,
): Test {
  const set = new Set(values)
  const limit = Number(values[0])
  switch (operator) {
    case 'In':
      return node => {
        const value = read(node)
        return value !== undefined && set.has(value)
      }
    case 'NotIn':
      return node => {
        const value = read(node)
        return value === undefined || !set.has(value)
      }
    case 'Exists':
      return node => read(node) !== undefined
    case 'DoesNotExist':
      return node => read(node) === undefined
    case 'Gt':
    case 'Lt':
      return node => {
        const text = read(node)
        if (text === undefined || !/^[+-]?\d+$/.test(text) || !Number.isInteger(limit)) return false
        return operator === 'Gt' ? Number(text) > limit : Number(text) < limit
      }
    default:
      return () => false
  }
}
