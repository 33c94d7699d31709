import { type FieldError, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'

export type BindingGroup = optiflow.BindingGroup

/** Pods in one group. */
const largestGroup = 1_000

function validateGroup({ spec }: optiflow.BindingGroup): FieldError[] {
  const pods = spec?.pods ?? []
  const errors: FieldError[] = []
  if (!pods.length) errors.push(required('spec.pods'))
  if (pods.length > largestGroup)
    errors.push(invalid('spec.pods', pods.length, `must have at most ${largestGroup} items`))
  for (const [i, { namespace, name }] of pods.entries()) {
    if (!namespace) errors.push(required(`spec.pods[${i}].namespace`))
    if (!name) errors.push(required(`spec.pods[${i}].name`))
  }
  return errors
}

/** Bindings of many pods in one request: what a request costs is paid once. */
export const BindingGroup = defineKind<optiflow.BindingGroup>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'BindingGroup',
  plural: 'bindinggroups',
  scope: 'Cluster',
  schema: 'optiflow/v1.BindingGroup',
  verbs: ['create'],
  validate: validateGroup,
})
