import { type Clock, every } from './clock.ts'
import type { Commands } from './commands.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'
import type { NftFamily } from './nft-table.ts'

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

/** How often we look whether somebody flushed our tables: they are back within five seconds, writing thousands of rules included. */
const auditMs = 2_500

/**
 * Looks whether chains are still there: once for all who rely on some, since starting a program is what costs. Those who use
 * the same `commands` share one.
 */
export class NftAudit {
  static readonly #shared = new WeakMap<Commands, NftAudit>()
  readonly #members = new Set<NftAuditMember>()
  readonly #tools: { commands: Commands; clock: Clock; log: Logger }
  #stop = new AbortController()

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
    const look = () =>
      this.#look().catch(error => log.warn({ error: explain(error) }, 'cannot look whether rules are there'))
    every(clock, auditMs, look, this.#stop.signal)
  }

  #remove(member: NftAuditMember): void {
    this.#members.delete(member)
    if (!this.#members.size) this.#stop.abort()
  }

  async #look(): Promise<void> {
    const watched = [...this.#members].flatMap(member => {
      const chain = member.chain()
      return chain ? [{ member, key: keyOf(chain) }] : []
    })
    if (!watched.length) return
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
