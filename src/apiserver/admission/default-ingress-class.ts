import { Ingress, IngressClass } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'
import { newestMarked } from './newest-marked.ts'

const mark = 'ingressclass.kubernetes.io/is-default-class'
const named = 'kubernetes.io/ingress.class'

/** An Ingress that names no class gets the default one. */
export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: (resource, operation, subresource) =>
    isOf(resource, Ingress) && operation === 'CREATE' && subresource === '',
  mutate({ core, object }) {
    const spec = (object!['spec'] ??= {})
    if (spec.ingressClassName !== undefined || object!.metadata.annotations?.[named] !== undefined) return
    const chosen = newestMarked(core, IngressClass, [mark])
    if (chosen) spec.ingressClassName = chosen.metadata.name
  },
}
