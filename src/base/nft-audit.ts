import { type Clock, every } from './clock.ts'
import type { Commands } from './commands.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'
import type { NftFamily } from './nft-table.ts'
import { NftWatch } from './nft-watch.ts'

/** What somebody relies on. */
export interface WatchedChain {
  family: NftFamily
  table: string
  chain: string
}

export interface NftAuditMember {
  /** A chain that must be there now; undefined: none yet. Only one that was so before the kernel was asked is judged. */
  chain(): WatchedChain | undefined
  /** It is not there. */
  gone(): void
}

/** Flushed tables are back within five seconds, writing thousands of rules included. */
const auditMs = 2_500
/** So long we look in any case, although nothing was heard of a chain that went. */
const longestMs = 60_000

/**
 * Sees to it that chains are still there, once for all who rely on some. Starting a program is what costs, so `nft list` is asked
 * only when the kernel told that some chain went, or when nobody listens to it. Those who use the same `commands` share one.
 */
export class NftAudit {
  static readonly #shared = new WeakMap<Commands, NftAudit>()
  readonly #members = new Set<NftAuditMember>()
  readonly #tools: { commands: Commands; clock: Clock; log: Logger }
  #stop = new AbortController()
  #watch: NftWatch | undefined
  #lookedMonoMs = Number.NEGATIVE_INFINITY

  private constructor(tools: { commands: Commands; clock: Clock; log: Logger }) {
    this.#tools = tools
  }

  /** Takes part until disposed. */
  static join(tools: { commands: Commands; clock: Clock; log: Logger }, member: NftAuditMember): Disposable {
    const known = NftAudit.#shared.get(tools.commands)
    const audit = known ?? new NftAudit(tools)
    if (!known) NftAudit.#shared.set(tools.commands, audit)
    audit.#add(member)
    return { [Symbol.dispose]: () => audit.#remove(member) }
  }

  #add(member: NftAuditMember): void {
    this.#members.add(member)
    if (this.#members.size > 1) return
    const { clock, log } = this.#tools
    this.#stop = new AbortController()
    this.#watch = new NftWatch(this.#tools)
    this.#lookedMonoMs = Number.NEGATIVE_INFINITY
    const look = async () => {
      const late = clock.monotonicMs() - this.#lookedMonoMs >= longestMs
      if (!this.#watch!.news() && !late) return
      await this.#look().catch(error => {
        this.#lookedMonoMs = Number.NEGATIVE_INFINITY
        log.warn({ error: explain(error) }, 'cannot look whether rules are there')
      })
    }
    every(clock, auditMs, look, this.#stop.signal)
  }

  #remove(member: NftAuditMember): void {
    this.#members.delete(member)
    if (this.#members.size) return
    this.#stop.abort()
    this.#watch?.[Symbol.dispose]()
  }

  async #look(): Promise<void> {
    const watched = [...this.#members].flatMap(member => {
      const chain = member.chain()
      return chain ? [{ member, key: keyOf(chain) }] : []
    })
    if (!watched.length) return
    this.#lookedMonoMs = this.#tools.clock.monotonicMs()
    const { code, stdout } = await this.#tools.commands.run('nft', ['list', 'chains'], { allowFailure: true })
    const there = code === 0 ? chainsIn(stdout) : new Set<string>()
    for (const { member, key } of watched)
      if (!there.has(key) && this.#members.has(member) && isStill(member, key)) member.gone()
  }
}

/** Not so when its owner has taken it out meanwhile. */
function isStill(member: NftAuditMember, key: string): boolean {
  const chain = member.chain()
  return chain !== undefined && keyOf(chain) === key
}

const keyOf = ({ family, table, chain }: WatchedChain): string => `${family} ${table} ${chain}`

/** @param text what `nft list chains` says. Pure. @returns `ip optiflow-pods postrouting` */
export function chainsIn(text: string): Set<string> {
  const chains = new Set<string>()
  let table = ''
  for (const line of text.split('\n')) {
    const [, word, name] = /^\t?(table|chain) (.+) \{$/.exec(line) ?? []
    if (word === 'table') table = name!
    else if (word === 'chain') chains.add(`${table} ${name}`)
  }
  return chains
}
