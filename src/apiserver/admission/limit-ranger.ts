import { podLimits, podRequests } from '../../models/kinds/core/pod-requests.ts'
import { LimitRange, PersistentVolumeClaim, Pod } from '../../models/kinds/index.ts'
import type * as core from '../../models/types/core-v1.ts'
import { type Admission, type AdmissionPlugin, aggregate, forbidden, isOf } from './chain.ts'
import { type Asked, limitViolations } from './limit-constraints.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** Fills in what a namespace's LimitRanges say by default, and refuses what they do not allow. */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  // Containers cannot be changed but by resize.
  handles: (resource, operation, subresource) =>
    isOf(resource, Pod)
      ? (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'resize')
      : isOf(resource, PersistentVolumeClaim) &&
        subresource === '' &&
        (operation === 'CREATE' || operation === 'UPDATE'),
  mutate(admission) {
    if (!isOf(admission.resource, Pod)) return
    for (const range of rangesFor(admission)) fillIn(range, admission.object as unknown as core.Pod)
  },
  validate(admission) {
    for (const { spec } of rangesFor(admission)) {
      const texts = (spec?.limits ?? []).flatMap(limit =>
        askedOf(limit.type, admission).flatMap(asked => limitViolations(limit, asked)),
      )
      if (texts.length) throw forbidden(admission, aggregate(texts))
    }
  },
}

function rangesFor({ core, namespace, previous }: Admission): core.LimitRange[] {
  if (previous?.metadata.deletionTimestamp) return []
  const ranges = core.cache.bucket(core.resources.of(LimitRange)).list(namespace)
  return ranges.map(kept => core.shared(kept) as unknown as core.LimitRange)
}

function fillIn(range: core.LimitRange, pod: core.Pod): void {
  const defaults = (range.spec?.limits ?? []).filter(limit => limit.type === 'Container')
  const requests = Object.assign({}, ...defaults.map(limit => limit.defaultRequest))
  const limits = Object.assign({}, ...defaults.map(limit => limit.default))
  const notes: string[] = []
  for (const [what, containers] of [
    ['container', pod.spec.containers],
    ['init container', pod.spec.initContainers],
  ] as const)
    for (const container of containers ?? []) {
      note(notes, addMissing(container, 'requests', requests), `request for ${what} ${container.name}`)
      note(notes, addMissing(container, 'limits', limits), `limit for ${what} ${container.name}`)
    }
  if (notes.length)
    pod.metadata.annotations = {
      ...pod.metadata.annotations,
      [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
    }
}

function note(notes: string[], names: string[], text: string): void {
  if (names.length) notes.push(`${names.sort().join(', ')} ${text}`)
}

/** @returns the names that were not there */
function addMissing(
  container: core.Container,
  which: 'requests' | 'limits',
  defaults: Record<string, string>,
): string[] {
  const there = container.resources?.[which] ?? {}
  const missing = Object.keys(defaults).filter(name => !Object.hasOwn(there, name))
  if (missing.length) {
    container.resources ??= {}
    container.resources[which] = { ...there, ...Object.fromEntries(missing.map(name => [name, defaults[name]!])) }
  }
  return missing
}

/** What the object asks for, once for each thing that limits of this type are about. */
function askedOf(type: string, { resource, object }: Admission): Asked[] {
  if (!isOf(resource, Pod)) {
    const { spec } = object as unknown as core.PersistentVolumeClaim
    return type === 'PersistentVolumeClaim' ? [{ requests: spec?.resources?.requests, limits: undefined }] : []
  }
  const pod = object as unknown as core.Pod
  // Overhead is the runtime's, not what the pod asks for.
  const { overhead: _, ...spec } = pod.spec
  if (type === 'Pod') return [{ requests: podRequests({ spec }), limits: podLimits({ spec }) }]
  if (type !== 'Container') return []
  const containers = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]
  return containers.map(({ resources }) => ({ requests: resources?.requests, limits: resources?.limits }))
}
