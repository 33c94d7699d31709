import { join } from 'node:path'
import { sleep } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { Stock } from '../../runtime/index.ts'
import type { OutsideWorld } from '../outside.ts'
import { execPipes, logFolders, podFolders } from './folder-checks.ts'
import type { Check, Leak, NodePlaces, Scene } from './leak.ts'
import { addresses, attachments, interfaces, namespaces, rules, tunnelEntries } from './network-checks.ts'
import { cgroups, mounts, records, shims, snapshots, states } from './runtime-checks.ts'

/** In the order of mending: processes let go of what is below them. */
export const checks: readonly Check[] = [
  records,
  shims,
  states,
  mounts,
  snapshots,
  cgroups,
  rules,
  interfaces,
  tunnelEntries,
  namespaces,
  addresses,
  attachments,
  podFolders,
  logFolders,
  execPipes,
]

export interface Finding {
  kind: string
  what: string
  /** Undefined: only looked at. */
  outcome: 'mended' | { failed: string } | undefined
}

export interface Examination {
  /** Of every kind, none left out: how many were found. */
  counts: { kind: string; found: number }[]
  findings: Finding[]
}

export interface ExamineOptions {
  places: NodePlaces
  outside: Pick<OutsideWorld, 'disk' | 'commands' | 'clock'>
  /** Take out what was found. */
  fix: boolean
  /** Only what is there at two looks counts, so much apart; 2 000 unless said otherwise. */
  apartMs?: number
  /** Kinds that are looked for; all unless said otherwise. */
  kinds?: ReadonlySet<string>
  signal?: AbortSignal
}

/**
 * Looks over a node for what pods have left behind: processes, mounts, addresses, … A pod that starts or ends meanwhile is
 * no leak, so it looks twice.
 * @throws RuntimeUnavailable when its containerd does not answer: nothing is known then
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const { places, outside, fix, apartMs = 2_000, kinds, signal } = options
  const wanted = checks.filter(({ kind }) => kinds?.has(kind) ?? true)
  using stock = new Stock(places.socket, outside.clock)
  const first = await look(wanted, places, outside, stock)
  // What is not there now cannot be there at both looks.
  const suspected = wanted.filter(({ kind }) => first.get(kind)!.length)
  if (suspected.length) await sleep(outside.clock, apartMs, signal)
  const second = suspected.length ? await look(suspected, places, outside, stock) : first
  const counts: Examination['counts'] = []
  const findings: Finding[] = []
  for (const { kind } of wanted) {
    const before = new Set(first.get(kind)!.map(leak => leak.what))
    const leaks = (second.get(kind) ?? []).filter(leak => before.has(leak.what))
    counts.push({ kind, found: leaks.length })
    for (const leak of leaks) findings.push({ kind, what: leak.what, outcome: fix ? await mended(leak) : undefined })
  }
  return { counts, findings }
}

async function mended(leak: Leak): Promise<Finding['outcome']> {
  try {
    await leak.mend()
    return 'mended'
  } catch (error) {
    return { failed: explain(error) }
  }
}

async function look(
  wanted: readonly Check[],
  places: NodePlaces,
  outside: ExamineOptions['outside'],
  stock: Stock,
): Promise<ReadonlyMap<string, Leak[]>> {
  const inventory = await stock.take()
  const uids = new Set([...inventory.sandboxes, ...inventory.containers].map(({ podUid }) => podUid))
  const scene: Scene = {
    ...outside,
    places,
    stock,
    inventory,
    ids: new Set([...inventory.sandboxes, ...inventory.containers, ...inventory.records].map(({ id }) => id)),
    sandboxIds: new Set(inventory.sandboxes.filter(s => s.ready).map(s => s.id)),
    // The agent remembers beside their secrets the pods that it looks after, also those that have no container yet.
    isPod: async uid => uids.has(uid) || (await outside.disk.exists(join(places.secretFolder, uid, 'pod.json'))),
  }
  const found = new Map<string, Leak[]>()
  for (const check of wanted) found.set(check.kind, await check.find(scene))
  return found
}
