import { isPathSegmentName } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as rbac from '../../types/rbac-v1.ts'
import { defaultBinding } from './binding-defaults.ts'
import { validateBinding } from './rbac-validation.ts'
import { bindingColumns } from './subject-columns.ts'

export type ClusterRoleBinding = rbac.ClusterRoleBinding

export const ClusterRoleBinding = defineKind<rbac.ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  scope: 'Cluster',
  schema: 'rbac/v1.ClusterRoleBinding',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: bindingColumns,
  ownAge: true,
  defaults: defaultBinding,
  validName: isPathSegmentName,
  checkedTwice: true,
  validate: (next, previous) => validateBinding(['ClusterRole'], next, previous),
})
