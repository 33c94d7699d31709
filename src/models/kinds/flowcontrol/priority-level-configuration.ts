import { defineKind } from '../../kind.ts'
import type * as flowcontrol from '../../types/flowcontrol-v1.ts'
import { text } from '../columns.ts'
import { checkConditionTypes } from '../condition-validation.ts'
import { validateLevel } from './level-validation.ts'

export type PriorityLevelConfiguration = flowcontrol.PriorityLevelConfiguration

const queuing = (level: flowcontrol.PriorityLevelConfiguration) => level.spec?.limited?.limitResponse?.queuing

function defaultLevel({ spec }: flowcontrol.PriorityLevelConfiguration): void {
  if (spec?.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0
    spec.exempt.lendablePercent ??= 0
  }
  if (!spec?.limited) return
  spec.limited.nominalConcurrencyShares ??= 30
  spec.limited.lendablePercent ??= 0
  const queues = spec.limited.limitResponse?.queuing
  if (!queues) return
  queues.queues ||= 64
  queues.handSize ||= 8
  queues.queueLengthLimit ||= 50
}

export const PriorityLevelConfiguration = defineKind<flowcontrol.PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  scope: 'Cluster',
  schema: 'flowcontrol/v1.PriorityLevelConfiguration',
  subresources: ['status'],
  statusMarks: [],
  columns: [
    text('Type', level => level.spec?.type ?? ''),
    text('NominalConcurrencyShares', level => level.spec?.limited?.nominalConcurrencyShares ?? '<none>'),
    text('Queues', level => queuing(level)?.queues ?? '<none>'),
    text('HandSize', level => queuing(level)?.handSize ?? '<none>'),
    text('QueueLengthLimit', level => queuing(level)?.queueLengthLimit ?? '<none>'),
  ],
  unconditionalUpdate: true,
  defaults: defaultLevel,
  validate: validateLevel,
  validatePart: (_, { status }) => checkConditionTypes('status.conditions', status?.conditions),
})
