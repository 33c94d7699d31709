import { sameMeaning } from '../../../base/equality.ts'
import { isDns1123Label } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import type { PodTemplateSpec } from '../../types/core-v1.ts'
import { checkCountOrPercent, checkNonNegative } from '../checks.ts'
import { age, containerColumns, text } from '../columns.ts'
import { defaultClaimSpec } from '../core/claim-defaults.ts'
import { claimWarnings } from '../core/claim-validation.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { selectorText } from '../selector-text.ts'
import { checkController } from './template-validation.ts'

export type StatefulSet = apps.StatefulSet

function defaultStatefulSet({ spec }: apps.StatefulSet): void {
  if (!spec) return
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  spec.podManagementPolicy ??= 'OrderedReady'
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ??= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.partition ??= 0
  }
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
  const errors = checkController({ ...spec, template: withClaims(spec) }, 'statefulset', 'StatefulSet')
  const strategy = spec.updateStrategy
  if (!spec.podManagementPolicy) errors.push(required('spec.podManagementPolicy'))
  if (!strategy?.type) errors.push(required('spec.updateStrategy'))
  const at = 'spec.updateStrategy.rollingUpdate'
  if (strategy?.type === 'OnDelete' && strategy.rollingUpdate)
    errors.push(invalid(at, strategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"))
  errors.push(
    ...checkNonNegative(`${at}.partition`, strategy?.rollingUpdate?.partition),
    ...checkCountOrPercent(`${at}.maxUnavailable`, strategy?.rollingUpdate?.maxUnavailable),
    ...checkNonNegative('spec.ordinals.start', spec.ordinals?.start),
  )
  if (!previous) return errors
  const old = previous.spec
  const taken = { ...spec, ...Object.fromEntries(changeable.map(name => [name, old[name]])) }
  return sameMeaning(taken, old) ? errors : [...errors, forbidden('spec', fixedText)]
}

/** Each pod has a volume for each claim template, which its containers may mount. */
function withClaims({ template, volumeClaimTemplates = [] }: apps.StatefulSet['spec']): PodTemplateSpec {
  if (!template?.spec || !volumeClaimTemplates.length) return template
  const own = (template.spec.volumes ?? []).filter(v => !volumeClaimTemplates.some(c => c.metadata?.name === v.name))
  const claimed = volumeClaimTemplates.map(({ metadata }) => {
    const name = metadata?.name ?? ''
    return { name, persistentVolumeClaim: { claimName: name } }
  })
  return { ...template, spec: { ...template.spec, volumes: [...own, ...claimed] } }
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
  validate: validateStatefulSet,
  warnings: (next, previous) => [
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
    ...(next.spec.volumeClaimTemplates ?? []).flatMap((claim, i) =>
      claimWarnings(`spec.volumeClaimTemplates[${i}]`, claim.spec),
    ),
    ...((next.spec.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ],
})
