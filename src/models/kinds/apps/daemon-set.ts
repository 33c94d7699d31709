import { sameMeaning } from '../../../base/equality.ts'
import type { FieldError } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkNonNegative } from '../checks.ts'
import { age, containerColumns, integer, labelsCell, selectorCell, text } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { checkSelector } from '../selector-checks.ts'
import { checkDaemonStrategy } from './rollout-validation.ts'
import { checkCollisions, checkCounts } from './status-validation.ts'
import { checkForever, checkNotEmpty, checkPickedBy, checkSelectorKept } from './template-validation.ts'

export type DaemonSet = apps.DaemonSet

function defaultDaemonSet(set: apps.DaemonSet): void {
  const { spec } = set
  if (!set.metadata?.annotations?.[generationAnnotation]) setTemplateGeneration(set, 0)
  if (!spec) return
  spec.revisionHistoryLimit ??= 10
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ??= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0
  }
  defaultPodTemplate(spec.template)
}

const generationAnnotation = 'deprecated.daemonset.template.generation'

/** Older clients tell by this annotation whether the template changed. Who writes the set without it has set it back, and owns it. */
function setTemplateGeneration({ metadata }: apps.DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [generationAnnotation]: String(generation) }
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
]

function validateStatus(next: apps.DaemonSet, previous: apps.DaemonSet): FieldError[] {
  return [...checkCounts(next.status, counts), ...checkCollisions(next, previous)]
}

export const DaemonSet = defineKind<apps.DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'apps/v1.DaemonSet',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    integer('Desired', set => set.status?.desiredNumberScheduled),
    integer('Current', set => set.status?.currentNumberScheduled),
    integer('Ready', set => set.status?.numberReady),
    integer('Up-to-date', set => set.status?.updatedNumberScheduled),
    integer('Available', set => set.status?.numberAvailable),
    text('Node Selector', set => labelsCell(set.spec.template.spec?.nodeSelector)),
    age,
    ...containerColumns<apps.DaemonSet>(set => set.spec.template),
    text('Selector', set => selectorCell(set.spec.selector), 'wide'),
  ],
  ownAge: true,
  defaults: defaultDaemonSet,
  prepareCreate: set => setTemplateGeneration(set, 1),
  finishUpdate: (next, previous) => {
    const before = Number(previous.metadata.annotations?.[generationAnnotation] ?? 1)
    setTemplateGeneration(next, sameMeaning(next.spec.template, previous.spec.template) ? before : before + 1)
  },
  checkedTwice: true,
  validate: ({ spec }, previous) => [
    ...checkSelector('spec.selector', spec.selector),
    ...checkPickedBy(spec.selector, spec.template),
    ...checkNotEmpty(spec.selector, 'daemonset'),
    ...validatePodTemplate('spec.template', spec.template),
    ...checkForever(spec.template, 'DaemonSet'),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkDaemonStrategy(spec.updateStrategy),
    ...checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...checkSelectorKept(spec, previous?.spec),
  ],
  validatePart: (part, next, previous) => (part === 'status' ? validateStatus(next, previous) : []),
  warnings: (next, previous) => templateWarnings('spec.template', next.spec.template, previous?.spec.template),
})
