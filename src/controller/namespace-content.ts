import type { Kind } from '../models/kind.ts'
import { resourceName } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import type { Namespace, NamespaceCondition, Pod } from '../models/types/core-v1.ts'

/** What is still in a namespace that is being deleted. */
export interface Remaining {
  kind: Kind<any>
  items: readonly KubeObject[]
}

export interface DeletionReport {
  /** Groups of kinds that could not be listed. */
  undiscovered: readonly { group: string; reason: string }[]
  /** What refused to be deleted, with the server's words. */
  failures: readonly string[]
  remaining: readonly Remaining[]
}

const plainName = (kind: Kind<any>) => (kind.group ? resourceName(kind) : `${kind.plural}.`)

/** The conditions that say what is left and who holds it. @param now a timestamp for those that change */
export function deletionConditions(report: DeletionReport, now: string): NamespaceCondition[] {
  const condition = (type: string, problem: string | undefined, bad: string, good: string, fine: string) => ({
    type,
    status: problem === undefined ? 'False' : 'True',
    reason: problem === undefined ? good : bad,
    message: problem ?? fine,
    lastTransitionTime: now,
  })
  const { undiscovered, failures, remaining } = report
  return [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      undiscovered.length
        ? `Discovery failed for some groups, ${undiscovered.length} failing: ${undiscovered.map(u => `${u.group}: ${u.reason}`).join(', ')}`
        : undefined,
      'DiscoveryFailed',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      undefined,
      'GroupVersionParsingFailed',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    condition(
      'NamespaceDeletionContentFailure',
      failures.length
        ? `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`
        : undefined,
      'ContentDeletionFailed',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ),
    condition(
      'NamespaceContentRemaining',
      remaining.length
        ? `Some resources are remaining: ${remaining
            .map(({ kind, items }) => `${plainName(kind)} has ${items.length} resource instances`)
            .sort()
            .join(', ')}`
        : undefined,
      'SomeResourcesRemain',
      'ContentRemoved',
      'All content successfully removed',
    ),
    condition(
      'NamespaceFinalizersRemaining',
      finalizersText(remaining),
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    ),
  ]
}

function finalizersText(remaining: readonly Remaining[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { items } of remaining)
    for (const { metadata } of items) for (const f of metadata.finalizers ?? []) counts.set(f, (counts.get(f) ?? 0) + 1)
  if (!counts.size) return undefined
  const texts = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort()
  return `Some content in the namespace has finalizers remaining: ${texts.join(', ')}`
}

/** How long until the last of the pods that are shutting down has used up its grace period, in milliseconds. */
export function msUntilGone(remaining: readonly Remaining[], nowMs: number): number {
  const ends = remaining.flatMap(({ items }) =>
    items.map(({ metadata }) => (metadata.deletionTimestamp ? Date.parse(metadata.deletionTimestamp) - nowMs : 0)),
  )
  return Math.max(0, ...ends)
}

/** In Kubernetes' words, that objects are still there which were deleted, wait for no finalizer, and have used up their grace. */
export function unexpectedlyLeft({ kind, items }: Remaining, namespace: Namespace, nowMs: number): string | undefined {
  if (!items.length || items.some(({ metadata }) => metadata.finalizers?.length)) return undefined
  const { name, deletionTimestamp = '' } = namespace.metadata
  if (nowMs < Date.parse(deletionTimestamp) + graceMs(kind, items)) return undefined
  const { group, version, plural } = kind
  return `unexpected items still remain in namespace: ${name} for gvr: ${group}/${version}, Resource=${plural}`
}

/** The longest that a pod may take to shut down; others take no time. */
function graceMs(kind: Kind<any>, items: readonly KubeObject[]): number {
  if (kind.group || kind.plural !== 'pods') return 0
  const living = (items as readonly Pod[]).filter(pod => !isPodTerminal(pod))
  return Math.max(0, ...living.map(pod => (pod.spec.terminationGracePeriodSeconds ?? 0) * 1000))
}
