import { defineKind } from '../../kind.ts'
import type * as flowcontrol from '../../types/flowcontrol-v1.ts'
import { age, text } from '../columns.ts'
import { checkConditionTypes } from '../condition-validation.ts'
import { validateFlowSchema } from './flow-validation.ts'

export type FlowSchema = flowcontrol.FlowSchema

export const FlowSchema = defineKind<flowcontrol.FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  scope: 'Cluster',
  schema: 'flowcontrol/v1.FlowSchema',
  subresources: ['status'],
  statusMarks: [],
  columns: [
    text('PriorityLevel', s => s.spec?.priorityLevelConfiguration.name ?? ''),
    text('MatchingPrecedence', s => s.spec?.matchingPrecedence ?? 0),
    text('DistinguisherMethod', s => s.spec?.distinguisherMethod?.type ?? '<none>'),
    age,
    text('MissingPL', s => s.status?.conditions?.find(c => c.type === 'Dangling')?.status ?? '?'),
  ],
  ownAge: true,
  unconditionalUpdate: true,
  validate: validateFlowSchema,
  validatePart: (_, { status }) => checkConditionTypes('status.conditions', status?.conditions),
  defaults: ({ spec }) => {
    if (spec) spec.matchingPrecedence ||= 1000
  },
})
