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
    const missing = said.length ? usual.filter(({ key }) => !said.some(toleration => isAbout(toleration, key))) : usual
    if (missing.length) spec.tolerations = [...said, ...missing]
  },
}

const isAbout = ({ key, effect }: Toleration, taint: string): boolean =>
  (!key || key === taint) && (!effect || effect === 'NoExecute')
