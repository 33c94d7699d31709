import type { UdpTargets } from '../base/udp-flows.ts'
import type { RuleSet } from './rule-set.ts'

/** Where the rules of Services lead UDP packets. Pure. */
export function udpTargets(rules: RuleSet): UdpTargets {
  const out = new Map<string, Set<string>>()
  for (const [map, elements] of rules.targets) {
    if (!map.endsWith('-udp')) continue
    for (const [key, target] of elements) {
      const parts = key.split(' . ')
      const at = parts.length === 3 ? `${parts[0]} ${parts[1]}` : `* ${parts[0]}`
      endsAt(out, at).add(target.replace(' . ', ':'))
    }
  }
  for (const [key, verdict] of rules.clusterIps) {
    const [ip, protocol, port] = key.split(' . ')
    if (protocol === 'udp') addEnds(endsAt(out, `${ip} ${port}`), rules, verdict)
  }
  for (const [key, verdict] of rules.nodePorts) {
    const [protocol, port] = key.split(' . ')
    if (protocol === 'udp') addEnds(endsAt(out, `* ${port}`), rules, verdict)
  }
  return out
}

function endsAt(targets: Map<string, Set<string>>, key: string): Set<string> {
  const known = targets.get(key)
  if (known) return known
  const ends = new Set<string>()
  targets.set(key, ends)
  return ends
}

/** Where a verdict leads in the end, by chains that its Service has for itself. */
function addEnds(ends: Set<string>, rules: RuleSet, verdict: string): void {
  const seen = new Set<string>()
  const look = (rule: string) => {
    const end = /dnat to (\S+)/.exec(rule)?.[1]
    if (end) ends.add(end)
    for (const [, chain] of rule.matchAll(/goto ([\w-]+)/g)) {
      if (seen.has(chain!)) continue
      seen.add(chain!)
      for (const next of rules.chains.get(chain!) ?? []) look(next)
    }
  }
  look(verdict)
}
