import { requiredNodeTest } from '../models/node-selector.ts'
import { tolerates } from '../models/taints.ts'
import type { Node, PodSpec, Taint } from '../models/types/core-v1.ts'

/** Whether a pod may be on a node as far as it says itself; resources are the scheduler's affair. */
export function fitsNode(spec: PodSpec, node: Node): boolean {
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return false
  return requiredNodeTest({ spec })?.(node) ?? true
}

/** Taints of these effects that the pod does not tolerate. */
export function untolerated(spec: PodSpec, node: Node, effects: readonly Taint['effect'][]): Taint[] {
  return (node.spec?.taints ?? []).filter(t => effects.includes(t.effect) && !tolerates(spec.tolerations, t))
}
