import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { age, containerColumns, integer, labelsCell, text } from '../columns.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { labelsText } from '../selector-text.ts'
import { defaultPodTemplate } from './pod-spec.ts'
import { validatePodTemplate } from './pod-spec-validation.ts'
import { templateWarnings } from './pod-warnings.ts'

export type ReplicationController = core.ReplicationController

function validateController({ spec }: core.ReplicationController): FieldError[] {
  const errors = [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validatePodTemplate('spec.template', spec.template),
  ]
  const selector = Object.entries(spec.selector ?? {})
  const labels = spec.template?.metadata?.labels ?? {}
  if (!selector.length) errors.push(required('spec.selector'))
  else if (spec.template && !selector.every(([key, value]) => labels[key] === value))
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  const policy = spec.template?.spec?.restartPolicy
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']))
  return errors
}

/** Labels and selector are the template's unless said otherwise. */
function defaultController({ metadata, spec }: core.ReplicationController): void {
  if (!spec) return
  spec.replicas ??= 1
  defaultPodTemplate(spec.template)
  const labels = spec.template?.metadata?.labels
  if (labels && !Object.keys(spec.selector ?? {}).length) spec.selector = { ...labels }
  if (labels && !Object.keys(metadata.labels ?? {}).length) metadata.labels = { ...labels }
}

export const ReplicationController = defineKind<core.ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'core/v1.ReplicationController',
  subresources: ['status', 'scale'],
  orphansDependents: {},
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: object => labelsText(object.spec.selector),
  },
  unconditionalUpdate: true,
  fields: { 'status.replicas': controller => String(controller.status?.replicas ?? 0) },
  columns: [
    integer('Desired', c => c.spec.replicas),
    integer('Current', c => c.status?.replicas),
    integer('Ready', c => c.status?.readyReplicas),
    age,
    ...containerColumns<core.ReplicationController>(c => c.spec.template),
    text('Selector', c => labelsCell(c.spec.selector), 'wide'),
  ],
  ownAge: true,
  defaults: defaultController,
  validate: validateController,
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
  ],
})
