import type { FieldError } from '../../field-error.ts'
import { forbidden } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { checkImageSpaces } from './container-validation.ts'
import { checkPodAnnotations, checkProfilesAgree } from './pod-annotations.ts'
import { podColumns, podRowConditions } from './pod-columns.ts'
import { podGraceSeconds, preparePod } from './pod-create.ts'
import { checkResize } from './pod-resize.ts'
import { defaultRunningPodSpec } from './pod-spec.ts'
import { validatePodSpec } from './pod-spec-validation.ts'
import { checkPodStatus } from './pod-status-validation.ts'
import { checkPodChanges } from './pod-update.ts'
import { podWarnings } from './pod-warnings.ts'

export type Pod = core.Pod

function defaultPod({ spec, status }: core.Pod): void {
  if (spec) defaultRunningPodSpec(spec)
  if (!status) return
  // The single address and the list are two views of one thing.
  if (status.podIP && status.podIP !== status.podIPs?.[0]?.ip) status.podIPs = [{ ip: status.podIP }]
  else if (!status.podIP && status.podIPs?.[0]?.ip) status.podIP = status.podIPs[0].ip
}

function validatePod(next: core.Pod, previous?: core.Pod): FieldError[] {
  const { metadata, spec } = next
  const errors = [
    ...checkPodAnnotations('metadata.annotations', metadata.annotations, spec),
    ...validatePodSpec('spec', spec, metadata),
    ...checkTokens(spec),
    ...checkImages('containers', spec),
    ...checkImages('initContainers', spec),
  ]
  if (previous) return [...errors, ...checkPodChanges(next, previous)]
  if (spec.ephemeralContainers?.length) errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  if (spec.nodeName && spec.schedulingGates?.length)
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  errors.push(...checkProfilesAgree('spec', metadata.annotations, spec))
  return errors
}

function checkImages(list: 'containers' | 'initContainers', spec: core.PodSpec): FieldError[] {
  return (spec[list] ?? []).flatMap((container, i) => checkImageSpaces(`spec.${list}[${i}]`, container))
}

/** A token is somebody's. */
function checkTokens({ serviceAccountName, volumes = [] }: core.PodSpec): FieldError[] {
  if (serviceAccountName) return []
  return volumes.flatMap(({ projected }, i) =>
    (projected?.sources ?? []).flatMap((source, j) =>
      source.serviceAccountToken
        ? [
            forbidden(
              `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
              'must not be specified when serviceAccountName is not set',
            ),
          ]
        : [],
    ),
  )
}

/** Which class a pod is of is settled when it is made; whoever reports on it need not say so. */
function keepQosClass(next: core.Pod, { status }: core.Pod): void {
  if (!next.status?.qosClass && status?.qosClass) next.status = { ...next.status, qosClass: status.qosClass }
}

export const Pod = defineKind<core.Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'core/v1.Pod',
  deletionAnswersObject: true,
  statusMarks: ['labels', 'annotations', 'finalizers'],
  subresources: [
    'status',
    'binding',
    'eviction',
    'ephemeralcontainers',
    'resize',
    'log',
    'exec',
    'attach',
    'portforward',
    'proxy',
  ],
  noGeneration: true,
  unconditionalUpdate: true,
  fields: {
    'spec.nodeName': pod => pod.spec.nodeName ?? '',
    'spec.restartPolicy': pod => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': pod => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': pod => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': pod => String(pod.spec.hostNetwork ?? false),
    'status.phase': pod => pod.status?.phase ?? '',
    'status.podIP': pod => pod.status?.podIP ?? '',
    'status.podIPs': pod => pod.status?.podIP ?? '',
    'status.nominatedNodeName': pod => pod.status?.nominatedNodeName ?? '',
  },
  columns: podColumns,
  rowConditions: podRowConditions,
  ownAge: true,
  defaults: defaultPod,
  prepareCreate: preparePod,
  gracePeriodSeconds: podGraceSeconds,
  checksMetadataAgain: true,
  validate: validatePod,
  prepareStatus: keepQosClass,
  validatePart: (part, next, previous) =>
    part === 'resize' ? checkResize(next, previous) : part === 'status' ? checkPodStatus(next, previous) : [],
  // Who changes a pod is seldom a person.
  warnings: (next, previous) =>
    previous ? [] : [...hostnameWarnings(next.metadata.name, "the Pod's hostname"), ...podWarnings('', next)],
})
