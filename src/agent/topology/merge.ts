import type { Hint, Hints } from './hints.ts'
import { countOf, maskOf, type NodeMask, type Numa, nodesIn } from './numa.ts'

/** Whether a pod whose resources are not near to each other is taken, and how near is near. */
export type TopologyPolicy = 'best-effort' | 'restricted' | 'single-numa-node'

export interface MergeInput {
  policy: TopologyPolicy
  numa: Pick<Numa, 'nodes' | 'distances'>
  /** Of each who gives out something. */
  hints: readonly (Hints | undefined)[]
  /** Of sets of the same size the nearer to each other. */
  preferClosest?: boolean
}

/**
 * The one place that suits all best: every combination of a hint each is tried, and what its nodes have in common is its
 * place. Pure.
 * @see https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/
 */
export function mergeHints({ policy, numa, hints, preferClosest = false }: MergeInput): Hint & { admitted: boolean } {
  const everywhere = maskOf(numa.nodes)
  const single = policy === 'single-numa-node'
  const lists = hints.flatMap(listsOf).map(list => (single ? list.filter(isSingle) : list))
  const closest = preferClosest && !single
  const fitter = (current: NodeMask, other: NodeMask) => isFitter(numa, closest, current, other)
  const size = sizeToReach(lists)
  let best: Hint | undefined
  for (const combination of combinations(lists)) {
    const found = common(everywhere, combination)
    if (isBetter(found, best, size, fitter)) best = found
  }
  best ??= { nodes: everywhere, preferred: false }
  if (single && best.nodes === everywhere) best = { nodes: undefined, preferred: best.preferred }
  return { ...best, admitted: policy === 'best-effort' || best.preferred }
}

/** Who has no say takes any place, who cannot serve takes none gladly. */
function listsOf(hints: Hints | undefined): (readonly Hint[])[] {
  const lists = Object.values(hints ?? {})
  if (!lists.length) return [[{ nodes: undefined, preferred: true }]]
  return lists.map(list => (list?.length ? list : [{ nodes: undefined, preferred: list === undefined }]))
}

const isSingle = ({ nodes, preferred }: Hint) => preferred && (nodes === undefined || countOf(nodes) === 1)

function* combinations(lists: readonly (readonly Hint[])[], from = 0, chosen: Hint[] = []): Iterable<readonly Hint[]> {
  if (from === lists.length) yield chosen
  else for (const hint of lists[from]!) yield* combinations(lists, from + 1, [...chosen, hint])
}

/** Preferred only where all are, and all name the same nodes. */
function common(everywhere: NodeMask, hints: readonly Hint[]): { nodes: NodeMask; preferred: boolean } {
  const masks = hints.flatMap(({ nodes }) => (nodes === undefined ? [] : [nodes]))
  return {
    nodes: masks.reduce((all, mask) => all & mask, everywhere),
    preferred: hints.every(hint => hint.preferred) && masks.every(mask => mask === masks[0]),
  }
}

/** How many nodes at least are needed by who needs the most: who does not get what it prefers should get no fewer. */
export function sizeToReach(lists: readonly (readonly Hint[])[]): number {
  const least = lists.map(list => {
    const sizes = list.flatMap(({ nodes }) => (nodes === undefined ? [] : [countOf(nodes)]))
    return sizes.length ? Math.min(...sizes) : 0
  })
  return Math.max(0, ...least)
}

/** @param fitter whether the other of two sets suits better */
export function isBetter(
  found: Hint,
  best: Hint | undefined,
  size: number,
  fitter: (current: NodeMask, other: NodeMask) => boolean,
): boolean {
  const nodes = found.nodes ?? 0
  if (!nodes) return false
  if (!best) return true
  if (found.preferred !== best.preferred) return found.preferred
  const current = best.nodes ?? 0
  if (found.preferred) return fitter(current, nodes)
  const [have, offered] = [countOf(current), countOf(nodes)]
  if (have > size) return fitter(current, nodes)
  if (have === size) return offered === size && fitter(current, nodes)
  if (offered > size) return false
  return offered === have ? fitter(current, nodes) : offered > have
}

/** Fewer nodes; of as many those with the lower numbers, or before that the nearer to each other. */
function isFitter(numa: MergeInput['numa'], closest: boolean, current: NodeMask, other: NodeMask): boolean {
  if (countOf(current) !== countOf(other)) return countOf(other) < countOf(current)
  const nearer = closest ? distanceWithin(numa, other) - distanceWithin(numa, current) : 0
  return nearer === 0 ? other < current : nearer < 0
}

function distanceWithin(numa: MergeInput['numa'], mask: NodeMask): number {
  const nodes = nodesIn(numa, mask)
  const all = nodes.flatMap(from => nodes.map(to => numa.distances.get(from)?.[numa.nodes.indexOf(to)] ?? 0))
  return all.length ? all.reduce((sum, far) => sum + far, 0) / all.length : 0
}
