import { Pod } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

/** The same for every pod: made once, and kept once. */
const usual = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(key =>
  Object.freeze({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
)

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
    const said: Toleration[] = spec.tolerations ?? []
    const about = ({ key, effect }: Toleration, taint: string) =>
      (!key || key === taint) && (!effect || effect === 'NoExecute')
    const missing = usual.filter(({ key }) => !said.some(toleration => about(toleration, key)))
    if (missing.length) spec.tolerations = [...said, ...missing]
  },
}
