import { defineKind } from '../../kind.ts'
import type { AnyObject } from '../../object.ts'
import type * as v1beta1 from '../../types/admissionregistration-v1beta1.ts'
import { storedColumns } from '../stored-columns.ts'
import { ValidatingAdmissionPolicy } from './validating-admission-policy.ts'

export type ValidatingAdmissionPolicyV1beta1 = v1beta1.ValidatingAdmissionPolicy

const toStored = (object: v1beta1.ValidatingAdmissionPolicy): AnyObject => ({
  ...object,
  apiVersion: 'admissionregistration.k8s.io/v1',
})

/** The same fields as v1, under the older version. */
export const ValidatingAdmissionPolicyV1beta1 = defineKind<v1beta1.ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1beta1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1beta1.ValidatingAdmissionPolicy',
  storedAs: {
    kind: ValidatingAdmissionPolicy,
    toStored,
    fromStored: object =>
      ({
        ...object,
        apiVersion: 'admissionregistration.k8s.io/v1beta1',
      }) as unknown as v1beta1.ValidatingAdmissionPolicy,
  },
  subresources: ['status'],
  statusMarks: [],
  columns: storedColumns(ValidatingAdmissionPolicy, toStored),
})
