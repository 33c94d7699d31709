import { CommandMissing, type Commands } from '../base/commands.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { NftFamily } from '../base/nft-table.ts'
import type { RuleSet } from './rule-set.ts'

/** Where UDP packets go: `10.96.0.10 53` or `* 30053` (a node port) → `10.244.0.5:53`, … */
export type UdpTargets = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The kernel leads all packets of a UDP flow where it led the first one, for as long as they come: to a pod that is gone,
 * or to nobody, if nobody was there at first. This makes it forget flows whose way has changed.
 */
export class StaleFlows {
  readonly #commands: Commands
  readonly #log: Logger
  #warned = false

  readonly #family: NftFamily

  constructor(commands: Commands, log: Logger, family: NftFamily = 'ip') {
    this.#commands = commands
    this.#family = family
    this.#log = log
  }

  /** To be called when the rules `after` are in force instead of those `before`. */
  async moved({ before, after }: { before: RuleSet; after: RuleSet }): Promise<void> {
    for (const args of staleFlows(udpTargets(before), udpTargets(after))) await this.#forget(args)
  }

  async #forget(args: string[]): Promise<void> {
    try {
      // Code 1: there was no such flow.
      await this.#commands.run(
        'conntrack',
        ['-D', '-f', this.#family === 'ip' ? 'ipv4' : 'ipv6', '-p', 'udp', ...args],
        { allowFailure: true },
      )
    } catch (error) {
      if (this.#warned) return
      this.#warned = true
      const hint = error instanceof CommandMissing ? 'install the package conntrack' : undefined
      this.#log.warn({ error: explain(error), hint }, 'UDP flows to endpoints that are gone cannot be ended')
    }
  }
}

/** What conntrack is told to delete, flow by flow. */
export function staleFlows(before: UdpTargets, now: UdpTargets): string[][] {
  const out: string[][] = []
  const at = (key: string) => {
    const [ip, port] = key.split(' ') as [string, string]
    return ip === '*' ? ['--dport', port] : ['--orig-dst', ip, '--dport', port]
  }
  for (const [key, targets] of now) if (targets.size && !before.get(key)?.size) out.push(at(key))
  for (const [key, targets] of before)
    for (const target of targets) if (!now.get(key)?.has(target)) out.push([...at(key), '--dst-nat', hostOf(target)])
  return out
}

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

/** `10.244.0.5:53` or `[fd00::5]:53` without the port. */
const hostOf = (target: string): string => target.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')

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
