import { isPathSegmentName } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as rbac from '../../types/rbac-v1.ts'
import { defaultBinding } from './binding-defaults.ts'
import { validateBinding } from './rbac-validation.ts'
import { bindingColumns } from './subject-columns.ts'

export type RoleBinding = rbac.RoleBinding

export const RoleBinding = defineKind<rbac.RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'Namespaced',
  schema: 'rbac/v1.RoleBinding',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: bindingColumns,
  ownAge: true,
  defaults: defaultBinding,
  validName: isPathSegmentName,
  checkedTwice: true,
  validate: (next, previous) => validateBinding(['Role', 'ClusterRole'], next, previous),
})
