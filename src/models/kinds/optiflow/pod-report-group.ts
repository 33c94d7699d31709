import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { checkGroup } from './pod-groups.ts'

export type PodReportGroup = optiflow.PodReportGroup

/** What a scheduler has to say of pods. */
const conditions = ['PodScheduled', 'DisruptionTarget']
const states = ['True', 'False', 'Unknown']

function checkReport(at: string, { condition, nominatedNodeName }: optiflow.PodReport): FieldError[] {
  const errors: FieldError[] = []
  if (!condition) errors.push(required(`${at}.condition`))
  else {
    const { type, status } = condition
    if (!conditions.includes(type)) errors.push(notSupported(`${at}.condition.type`, type, conditions))
    if (!states.includes(status)) errors.push(notSupported(`${at}.condition.status`, status, states))
  }
  const [wrong] = nominatedNodeName ? isDns1123Subdomain(nominatedNodeName) : []
  if (wrong) errors.push(invalid(`${at}.nominatedNodeName`, nominatedNodeName, wrong))
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
  validate: ({ spec }) => checkGroup(spec?.pods, checkReport),
})
