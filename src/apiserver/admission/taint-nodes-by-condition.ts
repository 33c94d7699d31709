import { Node } from '../../models/kinds/index.ts'
import type { AdmissionPlugin } from './chain.ts'

const key = 'node.kubernetes.io/not-ready'

/** A new node takes no pods before it has said that it is ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (resource, operation, subresource) => resource.kind === Node && operation === 'CREATE' && subresource === '',
  mutate({ object }) {
    const spec = (object!['spec'] ??= {})
    const taints: { key: string; effect: string }[] = (spec.taints ??= [])
    if (!taints.some(t => t.key === key && t.effect === 'NoSchedule')) taints.push({ key, effect: 'NoSchedule' })
  },
}
