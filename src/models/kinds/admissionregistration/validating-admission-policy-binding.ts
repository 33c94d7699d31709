import { goSelectorString } from '../../go-text.ts'
import { defineKind } from '../../kind.ts'
import type { KubeObject } from '../../object.ts'
import type * as admissionregistration from '../../types/admissionregistration-v1.ts'
import { text } from '../columns.ts'
import { validateBinding } from './policy-validation.ts'
import { defaultMatch } from './webhook-defaults.ts'

export type ValidatingAdmissionPolicyBinding = admissionregistration.ValidatingAdmissionPolicyBinding

/** Which parameters a binding names: namespace and name, or a selector. */
export function parameterText({ spec }: KubeObject & { spec?: { paramRef?: admissionregistration.ParamRef } }): string {
  const ref = spec?.paramRef
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref?.selector ? goSelectorString(ref.selector) : '<unset>'
}

export const ValidatingAdmissionPolicyBinding = defineKind<admissionregistration.ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1.ValidatingAdmissionPolicyBinding',
  columns: [text('PolicyName', b => b.spec?.policyName ?? ''), text('ParamRef', parameterText)],
  defaults: ({ spec }) => defaultMatch(spec?.matchResources),
  validate: validateBinding,
})
