/** Why some nodes were refused: one reason, with how many nodes gave it. */
export interface RefusalGroup {
  plugin: string
  reason: string
  count: number
  /** Some of the nodes, at most `namedNodes`. */
  nodes: string[]
}

/** More nodes than this are counted but not named. */
export const namedNodes = 100

/** No node fits, and why. */
export interface FitFailure {
  /** All nodes there are. */
  nodes: number
  groups: RefusalGroup[]
  /** What keeps it from every node alike, if something does: nodes were not asked. */
  everywhere?: string
  /** Names of the plugins that refused. */
  plugins: ReadonlySet<string>
}

/** In Kubernetes' words: `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.` */
export function fitMessage(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const texts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort()
  return `0/${nodes} nodes are available${texts.length ? `: ${texts.join(', ')}` : ''}.`
}

export function failureMessage({ nodes, groups, everywhere }: FitFailure): string {
  if (!nodes) return 'no nodes available to schedule pods'
  if (everywhere) return `0/${nodes} nodes are available: ${everywhere}.`
  const reasons = new Map<string, number>()
  for (const { reason, count } of groups) reasons.set(reason, (reasons.get(reason) ?? 0) + count)
  return fitMessage(nodes, reasons)
}
