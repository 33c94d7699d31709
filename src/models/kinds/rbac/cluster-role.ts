import { isPathSegmentName } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as rbac from '../../types/rbac-v1.ts'
import { createdAt } from '../columns.ts'
import { validateClusterRole } from './rbac-validation.ts'

export type ClusterRole = rbac.ClusterRole

export const ClusterRole = defineKind<rbac.ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
  schema: 'rbac/v1.ClusterRole',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: [createdAt],
  ownAge: true,
  validName: isPathSegmentName,
  checkedTwice: true,
  validate: validateClusterRole,
})
