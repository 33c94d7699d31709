import { defineKind } from '../../kind.ts'
import type * as admissionregistration from '../../types/admissionregistration-v1.ts'
import { integer, text } from '../columns.ts'
import { checkConditions } from '../condition-validation.ts'
import { validatePolicy } from './policy-validation.ts'
import { defaultMatch } from './webhook-defaults.ts'

export type ValidatingAdmissionPolicy = admissionregistration.ValidatingAdmissionPolicy

export const ValidatingAdmissionPolicy = defineKind<admissionregistration.ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1.ValidatingAdmissionPolicy',
  subresources: ['status'],
  statusMarks: [],
  columns: [
    integer('Validations', policy => policy.spec?.validations?.length),
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
  validate: validatePolicy,
  validatePart: (_, { status }) => checkConditions('status.conditions', status?.conditions),
})
