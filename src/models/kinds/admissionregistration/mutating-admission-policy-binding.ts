import { defineKind } from '../../kind.ts'
import type * as v1alpha1 from '../../types/admissionregistration-v1alpha1.ts'
import { text } from '../columns.ts'
import { checkBinding } from './policy-validation.ts'
import { parameterText } from './validating-admission-policy-binding.ts'
import { defaultMatch } from './webhook-defaults.ts'

export type MutatingAdmissionPolicyBinding = v1alpha1.MutatingAdmissionPolicyBinding

export const MutatingAdmissionPolicyBinding = defineKind<v1alpha1.MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1alpha1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1alpha1.MutatingAdmissionPolicyBinding',
  columns: [text('PolicyName', b => b.spec?.policyName ?? ''), text('ParamRef', parameterText)],
  defaults({ spec }) {
    defaultMatch(spec?.matchResources)
    if (spec?.paramRef) spec.paramRef.parameterNotFoundAction ??= 'Deny'
  },
  validate: ({ spec }) => checkBinding(spec),
})
