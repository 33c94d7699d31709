import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'

export type PodReportGroup = optiflow.PodReportGroup

/** Pods in one group. */
const largestGroup = 1_000

/** What a scheduler has to say of pods. */
const conditions = ['PodScheduled', 'DisruptionTarget']
const states = ['True', 'False', 'Unknown']

function validateGroup({ spec }: optiflow.PodReportGroup): FieldError[] {
  const pods = spec?.pods ?? []
  const errors: FieldError[] = []
  if (!pods.length) errors.push(required('spec.pods'))
  if (pods.length > largestGroup)
    errors.push(invalid('spec.pods', pods.length, `must have at most ${largestGroup} items`))
  for (const [i, { namespace, name, condition, nominatedNodeName }] of pods.entries()) {
    const at = `spec.pods[${i}]`
    if (!namespace) errors.push(required(`${at}.namespace`))
    if (!name) errors.push(required(`${at}.name`))
    if (!condition) errors.push(required(`${at}.condition`))
    else {
      const { type, status } = condition
      if (!conditions.includes(type)) errors.push(notSupported(`${at}.condition.type`, type, conditions))
      if (!states.includes(status)) errors.push(notSupported(`${at}.condition.status`, status, states))
    }
    const [wrong] = nominatedNodeName ? isDns1123Subdomain(nominatedNodeName) : []
    if (wrong) errors.push(invalid(`${at}.nominatedNodeName`, nominatedNodeName, wrong))
  }
  return errors
}

/** Reports of many pods in one request: what a request costs is paid once. */
export const PodReportGroup = defineKind<optiflow.PodReportGroup>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'PodReportGroup',
  plural: 'podreportgroups',
  scope: 'Cluster',
  schema: 'optiflow/v1.PodReportGroup',
  verbs: ['create'],
  validate: validateGroup,
})
