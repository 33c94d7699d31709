import { sameMeaning } from '../../../base/equality.ts'
import { rangeText } from '../../../base/names.ts'
import { type FieldError, forbidden, GoText, invalid, required } from '../../field-error.ts'
import { goStringMap } from '../../go-text.ts'
import type { Affinity, Container, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../../types/core-v1.ts'
import { checkImageSpaces } from './container-validation.ts'
import { checkAnnotationChanges, checkPodAnnotations } from './pod-annotations.ts'
import { checkTolerations } from './scheduling-validation.ts'

const changeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** What a stored pod may not become: little but its images may change. */
export function checkPodChanges(next: Pod, previous: Pod): FieldError[] {
  const { spec } = next
  const old = previous.spec
  const at = 'metadata.annotations'
  const errors = [
    ...checkAnnotationChanges(at, next.metadata.annotations, previous.metadata.annotations),
    ...checkPodAnnotations(at, next.metadata.annotations, spec),
  ]
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = spec[list] ?? []
    if (containers.length !== (old[list]?.length ?? 0))
      // Nothing else can be compared.
      return [...errors, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')]
    for (const [i, container] of containers.entries()) {
      if (!container.image) errors.push(required(`spec.${list}[${i}].image`))
      errors.push(...checkImageSpaces(`spec.${list}[${i}]`, container))
    }
  }
  const deadline = checkDeadline(spec, old)
  errors.push(...deadline)
  if (deadline.length && spec.activeDeadlineSeconds !== undefined) return errors
  errors.push(...checkAddedTolerations(spec.tolerations ?? [], old.tolerations ?? []), ...checkGateRemoval(spec, old))

  const allowed = withChangesTaken(spec, old)
  if (old.schedulingGates?.length) {
    errors.push(...checkGatedNarrowing(spec, old))
    allowed.nodeSelector = old.nodeSelector
    allowed.affinity = withNodeAffinityOf(old, spec)
  }
  const changed = changedPaths(allowed, old)
  if (changed.length) errors.push(forbidden('spec', `${changeable}\nchanged: ${changed.join(', ')}`))
  return errors
}

/** The next affinity with that to nodes put back. */
function withNodeAffinityOf({ affinity: old }: PodSpec, { affinity: next }: PodSpec): Affinity | undefined {
  const nodeAffinity = old?.nodeAffinity
  if (!nodeAffinity && !old && !next?.podAffinity && !next?.podAntiAffinity) return undefined
  const { nodeAffinity: _, ...rest } = next ?? {}
  if (!next && !nodeAffinity) return next
  return nodeAffinity ? { ...rest, nodeAffinity } : rest
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
  if (next === undefined)
    return old === undefined ? [] : [invalid(field, null, 'must not update from a positive integer to nil value')]
  const most = 2 ** 31 - 1
  if (next < 0 || next > most) return [invalid(field, next, rangeText(0, most))]
  return old !== undefined && next > old ? [invalid(field, next, 'must be less than or equal to previous value')] : []
}

function checkAddedTolerations(next: Toleration[], old: Toleration[]): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration) => rest
  const field = 'spec.tolerations'
  const kept = old.every(before => next.some(t => sameMeaning(withoutSeconds(t), withoutSeconds(before))))
  return kept
    ? checkTolerations(field, next)
    : [forbidden(field, 'existing toleration can not be modified except its tolerationSeconds')]
}

function checkGateRemoval(next: PodSpec, old: PodSpec): FieldError[] {
  const known = new Set(old.schedulingGates?.map(g => g.name))
  return (next.schedulingGates ?? []).flatMap(({ name }, i) => {
    if (known.has(name)) return []
    const text = `only deletion is allowed, but found new scheduling gate '${name}'`
    return [forbidden(`spec.schedulingGates[${i}].name`, text)]
  })
}

/** While a pod waits at a gate, where it may go can be narrowed, never widened. */
function checkGatedNarrowing(next: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const lost = Object.entries(old.nodeSelector ?? {}).some(([key, value]) => next.nodeSelector?.[key] !== value)
  const only = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
  if (lost) errors.push(invalid('spec.nodeSelector', goStringMap(next.nodeSelector), only))
  const terms = (spec: PodSpec) =>
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const [before, after] = [terms(old), terms(next)]
  if (before.length && before.length !== after.length) {
    const text = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'
    return [...errors, invalid(field, after.length ? after : new GoText('[]core.NodeSelectorTerm(nil)'), text)]
  }
  for (const [i, term] of before.entries())
    if (!onlyAdds(after[i]!, term))
      errors.push(invalid(`${field}[${i}]`, after[i], 'only additions are allowed (no mutations or deletions)'))
  return errors
}

/** A term that says nothing matches nothing: what is added to it would widen it. */
function onlyAdds(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const parts = ['matchExpressions', 'matchFields'] as const
  if (parts.every(part => !old[part]?.length)) return parts.every(part => !next[part]?.length)
  return parts.every(part => {
    const before = old[part] ?? []
    return sameMeaning((next[part] ?? []).slice(0, before.length), before)
  })
}
