import { sameMeaning } from '../../../base/equality.ts'
import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { age, containerColumns, selectorCell, text } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { selectorText } from '../selector-text.ts'
import { checkDeploymentStrategy } from './rollout-validation.ts'
import { checkAvailable, checkCollisions, checkCounts, checkPartsOfReplicas } from './status-validation.ts'
import { checkOwnSelector, checkSelectorKept, checkTemplate } from './template-validation.ts'

export type Deployment = apps.Deployment

function defaultDeployment({ spec }: apps.Deployment): void {
  if (!spec) return
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  spec.strategy ??= {}
  spec.strategy.type ??= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  defaultPodTemplate(spec.template)
}

function validateDeployment({ spec }: apps.Deployment, previous?: apps.Deployment): FieldError[] {
  const errors = [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkOwnSelector(spec.selector, 'deployment'),
    ...checkTemplate(spec),
    ...checkDeploymentStrategy(spec.strategy),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...checkNonNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds),
  ]
  const deadline = spec.progressDeadlineSeconds
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  return [...errors, ...checkSelectorKept(spec, previous?.spec)]
}

const counts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'collisionCount',
]

function validateStatus(next: apps.Deployment, previous: apps.Deployment): FieldError[] {
  return [
    ...checkCounts(next.status, counts),
    ...checkPartsOfReplicas(next.status, ['updatedReplicas', 'readyReplicas', 'availableReplicas']),
    ...checkAvailable(next.status),
    ...checkCollisions(next, previous),
  ]
}

export const Deployment = defineKind<apps.Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'apps/v1.Deployment',
  subresources: ['status', 'scale'],
  statusMarks: ['annotations', 'finalizers', 'ownerReferences'],
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: object => selectorText(object.spec.selector),
  },
  unconditionalUpdate: true,
  columns: [
    text('Ready', d => `${d.status?.readyReplicas ?? 0}/${d.spec.replicas ?? 0}`),
    text('Up-to-date', d => d.status?.updatedReplicas ?? 0),
    text('Available', d => d.status?.availableReplicas ?? 0),
    age,
    ...containerColumns<apps.Deployment>(d => d.spec.template),
    text('Selector', d => selectorCell(d.spec.selector), 'wide'),
  ],
  ownAge: true,
  defaults: defaultDeployment,
  // An annotation counts: the pod template's revision and cause are kept there.
  generationChanged: (next, previous) =>
    !sameMeaning(next.spec, previous.spec) || !sameMeaning(next.metadata.annotations, previous.metadata.annotations),
  validate: validateDeployment,
  validatePart: (part, next, previous) => (part === 'status' ? validateStatus(next, previous) : []),
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
  ],
})
