import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint } from '../models/types/core-v1.ts'
import { tolerates } from './taint-eviction.ts'

/** Whether a pod may be on a node as far as it says itself; resources are the scheduler's affair. */
export function fitsNode(spec: PodSpec, node: Node): boolean {
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return false
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || required.nodeSelectorTerms.some(term => termMatches(term, node))
}

/** An empty term matches nothing. */
function termMatches({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (!matchExpressions.length && !matchFields.length) return false
  const labels = node.metadata.labels ?? {}
  return (
    matchExpressions.every(r => requirementMatches(r, Object.hasOwn(labels, r.key) ? labels[r.key] : undefined)) &&
    matchFields.every(r => r.key === 'metadata.name' && requirementMatches(r, node.metadata.name))
  )
}

function requirementMatches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      const [a, b] = [Number(value), Number(values[0])]
      if (value === undefined || !Number.isInteger(a) || !Number.isInteger(b)) return false
      return operator === 'Gt' ? a > b : a < b
    }
    default:
      return false
  }
}

/** Taints of these effects that the pod does not tolerate. */
export function untolerated(spec: PodSpec, node: Node, effects: readonly Taint['effect'][]): Taint[] {
  return (node.spec?.taints ?? []).filter(
    taint => effects.includes(taint.effect) && !(spec.tolerations ?? []).some(t => tolerates(t, taint)),
  )
}
