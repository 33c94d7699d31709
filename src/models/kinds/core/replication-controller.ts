import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import { goStringMap } from '../../go-text.ts'
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
  const { template } = spec
  const selector = Object.entries(spec.selector ?? {})
  const labels = template?.metadata?.labels
  const errors = [
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...(selector.length ? [] : [required('spec.selector')]),
    ...checkNonNegative('spec.replicas', spec.replicas),
  ]
  if (template && !selector.every(([key, value]) => labels?.[key] === value)) {
    const text = '`selector` does not match template `labels`'
    errors.push(invalid('spec.template.metadata.labels', goStringMap(labels), text))
  }
  errors.push(...validatePodTemplate('spec.template', template))
  if (!template) return errors
  const { restartPolicy = '', activeDeadlineSeconds } = template.spec ?? {}
  if (restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden(
        'spec.template.spec.activeDeadlineSeconds',
        'activeDeadlineSeconds in ReplicationController is not Supported',
      ),
    )
  return errors
}

const counts = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'] as const

function validateStatus({ status }: core.ReplicationController): FieldError[] {
  const { replicas = 0, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {}
  const errors = counts.flatMap(name => checkNonNegative(`status.${name}`, status?.[name]))
  const most = (name: string, count: number, what: string, limit: number) => {
    if (count > limit) errors.push(invalid(`status.${name}`, count, `cannot be greater than ${what}`))
  }
  most('fullyLabeledReplicas', fullyLabeledReplicas, 'status.replicas', replicas)
  most('readyReplicas', readyReplicas, 'status.replicas', replicas)
  most('availableReplicas', availableReplicas, 'status.replicas', replicas)
  most('availableReplicas', availableReplicas, 'readyReplicas', readyReplicas)
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
  validate: (next, previous) => {
    const errors = validateController(next)
    // An update is looked at as a new object too: what is wrong is found twice, and told once.
    return previous ? [...errors, ...errors] : errors
  },
  validatePart: (part, next) => (part === 'status' ? validateStatus(next) : []),
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
  ],
})
