import { sameMeaning } from '../../../base/equality.ts'
import { type FieldError, forbidden, invalid } from '../../field-error.ts'
import type { Container, Pod, PodSpec, Toleration } from '../../types/core-v1.ts'
import { checkLabels } from '../checks.ts'

const changeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** What a stored pod may not become: little but its images may change. */
export function checkPodChanges(next: Pod, previous: Pod): FieldError[] {
  const { spec } = next
  const old = previous.spec
  const errors = [
    ...checkDeadline(spec, old),
    ...checkAddedTolerations(spec.tolerations ?? [], old.tolerations ?? []),
    ...checkGateRemoval(spec, old),
  ]
  for (const list of ['containers', 'initContainers'] as const)
    if ((spec[list]?.length ?? 0) !== (old[list]?.length ?? 0))
      // Nothing else can be compared.
      return [...errors, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')]

  const allowed = withChangesTaken(spec, old)
  if (old.schedulingGates?.length) {
    errors.push(...checkGatedNarrowing(spec, old))
    allowed.nodeSelector = old.nodeSelector
    allowed.affinity = old.affinity
  }
  const changed = changedPaths(allowed, old)
  if (changed.length) errors.push(forbidden('spec', `${changeable}\nchanged: ${changed.join(', ')}`))
  return errors
}

/** The next spec with everything that may change put back. */
function withChangesTaken(next: PodSpec, old: PodSpec): any {
  const images = (list: Container[] | undefined, before: Container[] | undefined) =>
    list?.map((c, i) => ({ ...c, image: before?.[i]?.image }))
  const negative = (old.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1
  return {
    ...next,
    containers: images(next.containers, old.containers),
    initContainers: images(next.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
    terminationGracePeriodSeconds: negative ? old.terminationGracePeriodSeconds : next.terminationGracePeriodSeconds,
  }
}

/** The shortest paths that differ, for the person to look at. */
function changedPaths(next: any, old: any, at = 'spec'): string[] {
  if (sameMeaning(next, old)) return []
  const isObject = (v: unknown): boolean => typeof v === 'object' && v !== null
  if (!isObject(next) || !isObject(old) || Array.isArray(next) !== Array.isArray(old)) return [at]
  if (Array.isArray(next) && next.length !== old.length) return [at]
  const keys = [...new Set([...Object.keys(next), ...Object.keys(old)])]
  return keys.flatMap(key => changedPaths(next[key], old[key], Array.isArray(next) ? `${at}[${key}]` : `${at}.${key}`))
}

function checkDeadline(
  { activeDeadlineSeconds: next }: PodSpec,
  { activeDeadlineSeconds: old }: PodSpec,
): FieldError[] {
  const field = 'spec.activeDeadlineSeconds'
  if (next === old || old === undefined) return []
  if (next === undefined) return [invalid(field, null, 'must not update from a positive integer to nil value')]
  return next > old ? [invalid(field, next, 'must be less than or equal to previous value')] : []
}

function checkAddedTolerations(next: Toleration[], old: Toleration[]): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration) => rest
  const kept = old.every(before => next.some(t => sameMeaning(withoutSeconds(t), withoutSeconds(before))))
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
}

function checkGateRemoval(next: PodSpec, old: PodSpec): FieldError[] {
  const known = new Set(old.schedulingGates?.map(g => g.name))
  const added = (next.schedulingGates ?? []).filter(g => !known.has(g.name)).map(g => g.name)
  if (!added.length) return []
  return [
    forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gates '${added.join(', ')}'`),
  ]
}

/** While a pod waits at a gate, where it may go can be narrowed, never widened. */
function checkGatedNarrowing(next: PodSpec, old: PodSpec): FieldError[] {
  const errors = checkLabels('spec.nodeSelector', next.nodeSelector)
  for (const [key, value] of Object.entries(old.nodeSelector ?? {}))
    if (next.nodeSelector?.[key] !== value)
      errors.push(
        invalid('spec.nodeSelector', next.nodeSelector ?? {}, 'only additions are allowed (no mutations or deletions)'),
      )
  const must = (spec: PodSpec) =>
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const before = must(old)
  if (before && before.length !== must(next)?.length)
    errors.push(
      invalid(
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
        must(next) ?? [],
        'no additions/deletions to non-empty NodeSelectorTerms list are allowed',
      ),
    )
  return errors
}
