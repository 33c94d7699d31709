import { defineKind } from '../../kind.ts'
import type * as networking from '../../types/networking-v1.ts'
import { text } from '../columns.ts'
import { ingressAddresses } from '../core/service-columns.ts'
import { classAnnotation, validateIngress, validateIngressStatus } from './ingress-validation.ts'

export type Ingress = networking.Ingress

/** The first three hosts, `*` for none. */
function hosts({ spec: { rules = [] } }: networking.Ingress): string {
  const named = rules.map(r => r.host).filter(Boolean)
  if (!named.length) return '*'
  const shown = named.slice(0, 3).join(',')
  return named.length > 3 ? `${shown} + ${rules.length - 3} more...` : shown
}

export const Ingress = defineKind<networking.Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  scope: 'Namespaced',
  schema: 'networking/v1.Ingress',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Class', ingress => ingress.spec.ingressClassName ?? '<none>'),
    text('Hosts', hosts),
    text('Address', ingress => ingressAddresses(ingress.status?.loadBalancer)),
    text('Ports', ingress => (ingress.spec.tls?.length ? '80, 443' : '80')),
  ],
  validate: validateIngress,
  validatePart: (part, next) => (part === 'status' ? validateIngressStatus(next) : []),
  warnings: ({ metadata, spec }, previous) =>
    !previous && classAnnotation in (metadata.annotations ?? {}) && spec.ingressClassName === undefined
      ? [`annotation ${JSON.stringify(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
})
