import { isDns1123Label } from '../../../base/names.ts'
import { type FieldError, forbidden, required, tooLong } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as networking from '../../types/networking-v1.ts'
import { checkDomainPrefixedPath, checkImmutable, checkLocalReference, checkOneOf, texts } from '../checks.ts'
import { text } from '../columns.ts'

export type IngressClass = networking.IngressClass

function parameters({ spec }: networking.IngressClass): string {
  const p = spec?.parameters
  return p ? `${p.kind}${p.apiGroup === undefined ? '' : `.${p.apiGroup}`}/${p.name}` : '<none>'
}

function validateClass(next: networking.IngressClass, previous?: networking.IngressClass): FieldError[] {
  const { controller = '', parameters } = next.spec ?? {}
  return [
    ...(previous ? checkImmutable('spec.controller', controller, previous.spec?.controller ?? '') : []),
    ...checkController(controller),
    ...(parameters ? checkParameters('spec.parameters', parameters) : []),
  ]
}

function checkParameters(at: string, parameters: networking.IngressClassParametersReference): FieldError[] {
  const errors = checkLocalReference(at, parameters)
  const { scope, namespace } = parameters
  if (scope === undefined) return [...errors, required(`${at}.scope`)]
  errors.push(...checkOneOf(`${at}.scope`, scope, ['Cluster', 'Namespace']))
  if (scope === 'Namespace' && namespace === undefined)
    errors.push(required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'"))
  if (scope === 'Namespace' && namespace !== undefined)
    errors.push(...texts(`${at}.namespace`, namespace, isDns1123Label(namespace)))
  if (scope === 'Cluster' && namespace !== undefined)
    errors.push(forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  return errors
}

const maxControllerBytes = 250

function checkController(controller: string): FieldError[] {
  const long = controller.length > maxControllerBytes ? [tooLong('spec.controller', maxControllerBytes)] : []
  return [...long, ...checkDomainPrefixedPath('spec.controller', controller)]
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
