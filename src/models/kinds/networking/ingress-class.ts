import { type FieldError, forbidden, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as networking from '../../types/networking-v1.ts'
import { checkImmutable, checkOneOf } from '../checks.ts'
import { text } from '../columns.ts'

export type IngressClass = networking.IngressClass

function parameters({ spec }: networking.IngressClass): string {
  const p = spec?.parameters
  return p ? `${p.kind}${p.apiGroup === undefined ? '' : `.${p.apiGroup}`}/${p.name}` : '<none>'
}

function validateClass(next: networking.IngressClass, previous?: networking.IngressClass): FieldError[] {
  const { controller = '', parameters } = next.spec ?? {}
  const errors: FieldError[] = []
  if (!controller) errors.push(required('spec.controller'))
  if (parameters) {
    if (!parameters.kind) errors.push(required('spec.parameters.kind'))
    if (!parameters.name) errors.push(required('spec.parameters.name'))
    errors.push(...checkOneOf('spec.parameters.scope', parameters.scope, ['Cluster', 'Namespace']))
    if (parameters.scope === 'Namespace' && !parameters.namespace)
      errors.push(required('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"))
    if (parameters.scope === 'Cluster' && parameters.namespace !== undefined)
      errors.push(forbidden('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"))
  }
  return previous ? [...errors, ...checkImmutable('spec.controller', controller, previous.spec?.controller)] : errors
}

export const IngressClass = defineKind<networking.IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  scope: 'Cluster',
  schema: 'networking/v1.IngressClass',
  unconditionalUpdate: true,
  columns: [text('Controller', c => c.spec?.controller ?? ''), text('Parameters', parameters)],
  defaults: ({ spec }) => {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate: validateClass,
})
