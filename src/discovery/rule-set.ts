/**
 * The wanted nftables state as named pieces, so that a change touches only what it concerns: elements of the maps that lead
 * to endpoints, and the few chains that are between.
 */
export interface RuleSet {
  /** `10.96.0.1 . tcp . 443` → `goto to-3` */
  clusterIps: Map<string, string>
  /** `tcp . 30080` → `goto port-ext-3` */
  nodePorts: Map<string, string>
  /** Map → `10.96.0.1 . 443 . 2` or `30080 . 2`, where 2 is drawn by lot → `10.244.0.5 . 8443`. */
  targets: Map<string, Map<string, string>>
  /** `10.244.0.5 . 10.244.0.5`: endpoints that may call themselves through their Service. */
  hairpins: Set<string>
  /** `10.96.0.7 . tcp . 80`: a Service without a ready endpoint; connections are refused at once. */
  withoutEndpoints: Set<string>
  /** Chains that many Services have in common: what is in one follows from its name. */
  shared: Map<string, readonly string[]>
  /** Chains of one Service's port: name → rules, one a line. */
  chains: Map<string, string[]>
  /** Sets of client addresses: name → how long they are kept. */
  sets: Map<string, string>
}

export const emptyRules = (): RuleSet => ({
  ...{
    clusterIps: new Map(),
    nodePorts: new Map(),
    targets: new Map(),
    hairpins: new Set(),
    withoutEndpoints: new Set(),
  },
  ...{ shared: new Map(), chains: new Map(), sets: new Map() },
})

/** Puts a piece over what is there. */
export function addRules(out: RuleSet, piece: RuleSet): void {
  for (const part of ['clusterIps', 'nodePorts', 'shared', 'chains', 'sets'] as const)
    for (const [key, value] of piece[part] as Map<string, any>) (out[part] as Map<string, any>).set(key, value)
  for (const [map, elements] of piece.targets)
    for (const [key, target] of elements) targetsOf(out, map).set(key, target)
  for (const part of ['hairpins', 'withoutEndpoints'] as const) for (const key of piece[part]) out[part].add(key)
}

/** The elements of one map of targets. */
export function targetsOf({ targets }: RuleSet, map: string): Map<string, string> {
  const known = targets.get(map)
  if (known) return known
  const elements = new Map<string, string>()
  targets.set(map, elements)
  return elements
}

/** What only one Service can have at a time. Targets go by the same addresses and ports. */
export const claimsOf = ({ clusterIps, nodePorts, withoutEndpoints }: RuleSet): string[] => [
  ...[...clusterIps.keys(), ...nodePorts.keys(), ...withoutEndpoints],
]
