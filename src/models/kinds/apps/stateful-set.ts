import { sameMeaning } from '../../../base/equality.ts'
import { isDns1123Label } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import { goSelector } from '../../go-text.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkNonNegative, checkOneOf } from '../checks.ts'
import { age, containerColumns, text } from '../columns.ts'
import { defaultClaimSpec } from '../core/claim-defaults.ts'
import { claimWarnings } from '../core/claim-validation.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { validateLabelsAndSuch } from '../meta.ts'
import { selectorText } from '../selector-text.ts'
import { checkStatefulStrategy } from './rollout-validation.ts'
import { checkAvailable, checkCollisions, checkCounts, checkPartsOfReplicas } from './status-validation.ts'
import { checkForever, checkOwnSelector, checkPicked, parsed } from './template-validation.ts'

export type StatefulSet = apps.StatefulSet

function defaultStatefulSet({ spec }: apps.StatefulSet): void {
  if (!spec) return
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  spec.podManagementPolicy ??= 'OrderedReady'
  spec.updateStrategy ??= {}
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate'
    spec.updateStrategy.rollingUpdate ??= {}
  }
  const rolling = spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate
  if (rolling) rolling.partition ??= 0
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain'
  defaultPodTemplate(spec.template)
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ??= 'v1'
    claim.kind ??= 'PersistentVolumeClaim'
    if (claim.spec) defaultClaimSpec(claim.spec)
    claim.status ??= {}
    claim.status.phase ??= 'Pending'
  }
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const
const fixedText =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

function validateStatefulSet({ spec }: apps.StatefulSet, previous?: apps.StatefulSet): FieldError[] {
  const errors = [
    ...checkManagement(spec.podManagementPolicy),
    ...checkStatefulStrategy(spec.updateStrategy),
    ...(['whenDeleted', 'whenScaled'] as const).flatMap(when =>
      checkOneOf(
        `spec.persistentVolumeClaimRetentionPolicy.${when}`,
        spec.persistentVolumeClaimRetentionPolicy?.[when],
        ['Retain', 'Delete'],
      ),
    ),
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkNonNegative('spec.ordinals.start', spec.ordinals?.start),
    ...checkOwnSelector(spec.selector, 'statefulset'),
    ...checkSetTemplate(spec),
    ...checkForever(spec.template, 'StatefulSet'),
  ]
  if (!previous) return errors
  const old = previous.spec
  const taken = { ...spec, ...Object.fromEntries(changeable.map(name => [name, old[name]])) }
  return sameMeaning(taken, old) ? errors : [...errors, forbidden('spec', fixedText)]
}

function checkManagement(policy: string | undefined): FieldError[] {
  const at = 'spec.podManagementPolicy'
  if (!policy) return [required(at)]
  return ['OrderedReady', 'Parallel'].includes(policy)
    ? []
    : [invalid(at, policy, "must be 'OrderedReady' or 'Parallel'")]
}

/** Of the template only the labels and annotations are checked: each pod is, when it is created. */
function checkSetTemplate({ selector, template }: apps.StatefulSet['spec']): FieldError[] {
  const picks = parsed(selector)
  if (!picks) return [invalid('spec.selector', goSelector(selector!), '')]
  const metadata = template?.metadata ?? {}
  return [
    ...checkPicked(picks, template),
    ...validateLabelsAndSuch({ labels: metadata.labels, annotations: metadata.annotations }, 'spec.template'),
  ]
}

const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas']

function validateStatus(next: apps.StatefulSet, previous: apps.StatefulSet): FieldError[] {
  return [
    ...checkCounts(next.status, ['replicas', ...parts, 'observedGeneration', 'collisionCount']),
    ...checkPartsOfReplicas(next.status, parts),
    ...checkAvailable(next.status, 'cannot be greater than status.readyReplicas'),
    ...checkCollisions(next, previous),
  ]
}

/** How many may be missing at once is not yet read in 1.32, unless an object has it. */
function dropMaxUnavailable({ spec }: apps.StatefulSet, previous?: apps.StatefulSet): void {
  if (previous?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
    delete spec.updateStrategy?.rollingUpdate?.maxUnavailable
}

export const StatefulSet = defineKind<apps.StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'apps/v1.StatefulSet',
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: object => selectorText(object.spec.selector),
  },
  unconditionalUpdate: true,
  columns: [
    text('Ready', set => `${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0}`),
    age,
    ...containerColumns<apps.StatefulSet>(set => set.spec.template),
  ],
  ownAge: true,
  defaults: defaultStatefulSet,
  validName: isDns1123Label,
  prepareCreate: set => dropMaxUnavailable(set),
  prepareUpdate: dropMaxUnavailable,
  validate: validateStatefulSet,
  validatePart: (part, next, previous) => (part === 'status' ? validateStatus(next, previous) : []),
  warnings: (next, previous) => [
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
    ...(next.spec.volumeClaimTemplates ?? []).flatMap((claim, i) =>
      claimWarnings(`spec.volumeClaimTemplates[${i}]`, claim.spec),
    ),
    ...(previous && (next.spec.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ],
})
