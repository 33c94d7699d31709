import { quantityToMillis } from '../base/quantity.ts'
import { holds } from '../models/conditions.ts'
import type { Node, Service } from '../models/kinds/index.ts'
import { zoneOf } from './endpoint-choice.ts'

const modeAnnotation = 'service.kubernetes.io/topology-mode'
const oldModeAnnotation = 'service.kubernetes.io/topology-aware-hints'
const leftOut = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']
/** A zone may have so much more traffic per endpoint than it would have without hints. */
const overload = 0.2

/** Whether the endpoints of a Service are to be shared out to zones by how much CPU each has. */
export function wantsZoneHints({ metadata }: Service): boolean {
  const mode = metadata.annotations?.[oldModeAnnotation] ?? metadata.annotations?.[modeAnnotation]
  return mode === 'Auto' || mode === 'auto'
}

/** What of a node decides about hints; anything else about it is no news. */
export function hintSign(node: Node): string {
  const { labels, name } = node.metadata
  const excluded = leftOut.some(label => labels?.[label] !== undefined)
  return JSON.stringify([name, zoneOf(node), excluded, holds(node.status?.conditions, 'Ready'), cpuOf(node)])
}

const cpuOf = (node: Node) => quantityToMillis(node.status?.allocatable?.['cpu'] ?? '0')

/** Each zone's part of the CPU of all ready nodes; undefined where that is not known, or there are no two zones. */
export function cpuShares(nodes: readonly Node[]): Map<string, number> | undefined {
  const millis = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    if (leftOut.some(label => node.metadata.labels?.[label] !== undefined)) continue
    if (!holds(node.status?.conditions, 'Ready')) continue
    const [zone, cpu] = [zoneOf(node), cpuOf(node)]
    if (!zone || !cpu) return undefined
    millis.set(zone, (millis.get(zone) ?? 0) + cpu)
    total += cpu
  }
  return millis.size < 2 ? undefined : new Map([...millis].map(([zone, cpu]) => [zone, cpu / total]))
}

/** A ready endpoint that is to be meant for a zone. */
export interface Candidate {
  /** Where it is. */
  zone: string | undefined
  /** For which zone it is meant now. */
  hint?: string | undefined
}

interface Share {
  least: number
  wanted: number
  most: number
}

/**
 * For which zone each endpoint is meant: its own, but for as many as other zones lack. Endpoints keep the hint they have while
 * their zone does not get too many, so that one that comes or goes changes few slices.
 * @returns zones in the order of the endpoints, or why there are none, in Kubernetes' words
 */
export function zoneHints(
  endpoints: readonly Candidate[],
  shares: ReadonlyMap<string, number> | undefined,
): { zones: string[] } | { problem: string } {
  const found = sharesOf(endpoints.length, shares)
  if ('problem' in found) return found
  if (endpoints.some(e => !e.zone)) return { problem: 'One or more endpoints do not have a zone specified' }
  const { wanted } = found
  const counts = new Map<string, number>()
  const add = (zone: string, n: number) => counts.set(zone, (counts.get(zone) ?? 0) + n)
  const kept = endpoints.map(({ hint }) => {
    const share = hint === undefined ? undefined : wanted.get(hint)
    if (!share || (counts.get(hint!) ?? 0) >= share.most) return undefined
    add(hint!, 1)
    return hint!
  })
  const zones = endpoints.map((e, i) => {
    if (kept[i] !== undefined) return kept[i]
    add(e.zone!, 1)
    return e.zone!
  })
  const moves = transfers(wanted, counts)
  // Those that are placed anew first.
  const order = [...zones.keys()].sort((a, b) => Number(kept[a] !== undefined) - Number(kept[b] !== undefined))
  for (const { from, to } of moves) {
    const lacking = (counts.get(to) ?? 0) < (wanted.get(to)?.least ?? 0)
    const at = order.find(i => zones[i] === from && (kept[i] === undefined || lacking))
    if (at === undefined) continue
    zones[at] = to
    add(from, -1)
    add(to, 1)
  }
  return { zones }
}

function sharesOf(
  count: number,
  shares: ReadonlyMap<string, number> | undefined,
): { wanted: Map<string, Share> } | { problem: string } {
  if (!shares)
    return { problem: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes' }
  const text = `(${count} endpoints, ${shares.size} zones)`
  if (shares.size > count) return { problem: `Insufficient number of endpoints ${text}` }
  const wanted = new Map<string, Share>()
  let leastOfAll = 0
  for (const [zone, ratio] of shares) {
    const exact = ratio * count
    const least = Math.ceil(exact / (1 + overload))
    leastOfAll += least
    wanted.set(zone, { least, wanted: Math.max(exact, least), most: 0 })
  }
  if (leastOfAll > count)
    return {
      problem: `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${text}`,
    }
  for (const share of wanted.values()) share.most = share.least + count - leastOfAll
  return { wanted }
}

/** One endpoint at a time: first to zones that have less than they need, then from most too many to most too few while that evens out. */
function transfers(wanted: ReadonlyMap<string, Share>, counts: ReadonlyMap<string, number>) {
  const now = new Map([...[...wanted.keys()].map(zone => [zone, 0] as const), ...counts])
  const above = (zone: string) => now.get(zone)! - (wanted.get(zone)?.wanted ?? 0)
  const spare = (zone: string) => now.get(zone)! - (wanted.get(zone)?.least ?? 0)
  const moves: { from: string; to: string }[] = []
  for (;;) {
    const zones = [...now.keys()].sort((a, b) => above(b) - above(a) || (a < b ? -1 : 1))
    const needy = zones.findLast(zone => spare(zone) < 0)
    const to = needy ?? zones.findLast(zone => wanted.has(zone))!
    // A zone that has no share keeps none.
    const homeless = zones.find(zone => !wanted.has(zone) && now.get(zone)! > 0)
    const from = homeless ?? zones.find(zone => spare(zone) > 0)
    if (from === undefined || from === to) return moves
    const [give, take] = [above(from), -above(to)]
    if (!needy && !homeless && ((give < 1 && take < 1) || give < 0.5 || take < 0.5)) return moves
    moves.push({ from, to })
    now.set(from, now.get(from)! - 1)
    now.set(to, now.get(to)! + 1)
  }
}
