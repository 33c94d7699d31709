import { defineKind } from '../../kind.ts'
import type * as v1alpha1 from '../../types/admissionregistration-v1alpha1.ts'
import { integer, text } from '../columns.ts'
import { validateMutatingPolicy } from './mutating-policy-validation.ts'
import { defaultMatch } from './webhook-defaults.ts'

export type MutatingAdmissionPolicy = v1alpha1.MutatingAdmissionPolicy

export const MutatingAdmissionPolicy = defineKind<v1alpha1.MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1alpha1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1alpha1.MutatingAdmissionPolicy',
  columns: [
    integer('Mutations', policy => policy.spec?.mutations?.length),
    text('ParamKind', policy => {
      const kind = policy.spec?.paramKind
      return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>'
    }),
  ],
  defaults: ({ spec }) => {
    if (!spec) return
    spec.failurePolicy ??= 'Fail'
    defaultMatch(spec.matchConstraints)
  },
  validate: validateMutatingPolicy,
})
