import { isPathSegmentName } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as rbac from '../../types/rbac-v1.ts'
import { createdAt } from '../columns.ts'
import { validateRole } from './rbac-validation.ts'

export type Role = rbac.Role

export const Role = defineKind<rbac.Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  scope: 'Namespaced',
  schema: 'rbac/v1.Role',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: [createdAt],
  ownAge: true,
  validName: isPathSegmentName,
  checkedTwice: true,
  validate: validateRole,
})
