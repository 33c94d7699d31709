import { Pod } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const seconds = 300

interface Toleration {
  key?: string
  effect?: string
}

/** A pod stays five minutes on a node that is not heard of, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (resource, operation, subresource) =>
    isOf(resource, Pod) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  mutate({ object }) {
    const spec = (object!['spec'] ??= {})
    const tolerations: Toleration[] = spec.tolerations ?? []
    for (const key of taints) {
      const said = tolerations.some(t => (!t.key || t.key === key) && (!t.effect || t.effect === 'NoExecute'))
      if (said) continue
      spec.tolerations ??= []
      spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds })
    }
  },
}
