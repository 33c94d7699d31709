import { CommandMissing, type Commands } from './commands.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'
import type { NftFamily } from './nft-table.ts'

/** Where UDP packets are led: `10.96.0.10 53` or `* 30053` (any address of the node) → `10.244.0.5:53`, … */
export type UdpTargets = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The kernel leads all packets of a UDP flow where it led the first one, for as long as they come: to a pod that is gone,
 * or to nobody, if nobody was there at first. This makes it forget flows whose way has changed.
 */
export class UdpFlows {
  readonly #commands: Commands
  readonly #log: Logger
  readonly #family: NftFamily
  #warned = false

  constructor(commands: Commands, log: Logger, family: NftFamily = 'ip') {
    this.#commands = commands
    this.#family = family
    this.#log = log
  }

  /** To be called when packets are led to `after` instead of `before`. */
  async moved(before: UdpTargets, after: UdpTargets): Promise<void> {
    for (const args of staleFlows(before, after)) await this.#forget(args)
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

/** `10.244.0.5:53` or `[fd00::5]:53` without the port. */
const hostOf = (target: string): string => target.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
