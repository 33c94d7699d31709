import type { FieldError } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { age, containerColumns, integer, selectorCell, text } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { selectorText } from '../selector-text.ts'
import { checkAvailable, checkCounts, checkPartsOfReplicas } from './status-validation.ts'
import { checkOwnSelector, checkSelectorKept, checkTemplate } from './template-validation.ts'

export type ReplicaSet = apps.ReplicaSet

const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']

function validateStatus(status: apps.ReplicaSet['status']): FieldError[] {
  return [
    ...checkCounts(status, ['replicas', ...parts, 'observedGeneration']),
    ...checkPartsOfReplicas(status, parts),
    ...checkAvailable(status),
  ]
}

export const ReplicaSet = defineKind<apps.ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'apps/v1.ReplicaSet',
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: object => selectorText(object.spec.selector),
  },
  unconditionalUpdate: true,
  fields: { 'status.replicas': set => String(set.status?.replicas ?? 0) },
  columns: [
    integer('Desired', set => set.spec.replicas),
    integer('Current', set => set.status?.replicas),
    integer('Ready', set => set.status?.readyReplicas),
    age,
    ...containerColumns<apps.ReplicaSet>(set => set.spec.template),
    text('Selector', set => selectorCell(set.spec.selector), 'wide'),
  ],
  ownAge: true,
  defaults: ({ spec }) => {
    if (!spec) return
    spec.replicas ??= 1
    defaultPodTemplate(spec.template)
  },
  checkedTwice: true,
  validate: ({ spec }, previous) => [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkOwnSelector(spec.selector, 'deployment'),
    ...checkTemplate(spec),
    ...checkSelectorKept(spec, previous?.spec),
  ],
  validatePart: (part, { status }) => (part === 'status' ? validateStatus(status) : []),
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
  ],
})
