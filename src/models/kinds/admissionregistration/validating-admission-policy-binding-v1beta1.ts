import { defineKind } from '../../kind.ts'
import type { AnyObject } from '../../object.ts'
import type * as v1beta1 from '../../types/admissionregistration-v1beta1.ts'
import { storedColumns } from '../stored-columns.ts'
import { ValidatingAdmissionPolicyBinding } from './validating-admission-policy-binding.ts'

export type ValidatingAdmissionPolicyBindingV1beta1 = v1beta1.ValidatingAdmissionPolicyBinding

const toStored = (object: v1beta1.ValidatingAdmissionPolicyBinding): AnyObject => ({
  ...object,
  apiVersion: 'admissionregistration.k8s.io/v1',
})

/** The same fields as v1, under the older version. */
export const ValidatingAdmissionPolicyBindingV1beta1 = defineKind<v1beta1.ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1beta1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1beta1.ValidatingAdmissionPolicyBinding',
  storedAs: {
    kind: ValidatingAdmissionPolicyBinding,
    toStored,
    fromStored: object =>
      ({
        ...object,
        apiVersion: 'admissionregistration.k8s.io/v1beta1',
      }) as unknown as v1beta1.ValidatingAdmissionPolicyBinding,
  },
  columns: storedColumns(ValidatingAdmissionPolicyBinding, toStored),
})
