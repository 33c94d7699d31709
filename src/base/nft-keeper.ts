import type { Clock } from './clock.ts'
import type { Commands } from './commands.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'
import { NftAudit } from './nft-audit.ts'
import { difference, emptyTable, isEmptyTable, type NftFamily, type NftTable, wholeTable } from './nft-table.ts'

export interface NftKeeperOptions {
  /** A table that is ours alone. */
  table: string
  /** `ip` unless said otherwise. */
  family?: NftFamily
  /** What it must hold now; undefined: not known yet. */
  plan(): NftTable | undefined | Promise<NftTable | undefined>
  /**
   * Asked instead of `plan` once that is in force: the parts that changed since either was asked last, as they were and as
   * they must be, so that the cost of a change does not grow with the table. After a failure it is `plan` again.
   */
  changes?(): { before: NftTable; after: NftTable }
  /** What was planned last is in force now. */
  applied?(): Promise<void>
  /** The error to throw when the kernel refuses. */
  refused(cause: unknown): Error
  /** For people, in the log: `service rules`. */
  what: string
  commands: Commands
  clock: Clock
  log: Logger
}

/** A change is written at once; those that come within this time after it are written together. */
const gatherMs = 20
const firstRetryMs = 1_000
const longestRetryMs = 30_000

/**
 * Keeps one nftables table as it is wanted: a change costs what changed, one transaction at a time; a failure is tried
 * again with back-off; a table that somebody flushed comes back. Disposing leaves the rules in force.
 */
export class NftKeeper implements AsyncDisposable {
  readonly #options: NftKeeperOptions
  readonly #stop = new AbortController()
  readonly #audit: Disposable
  #applied: NftTable | undefined
  #scheduled = false
  #gatherUntilMs = 0
  #running: Promise<void> = Promise.resolve()
  #failures = 0

  constructor(options: NftKeeperOptions) {
    this.#options = options
    this.#audit = NftAudit.join(options, { chain: () => this.#hooked(), gone: () => this.#writeAnew() })
  }

  /** Something of what `plan` looks at is different. */
  readonly changed = (): void => {
    if (this.#scheduled || this.#stop.signal.aborted) return
    this.#scheduled = true
    const { clock } = this.#options
    clock.schedule(Math.max(0, this.#gatherUntilMs - clock.monotonicMs()), () => {
      this.#scheduled = false
      void this.now().catch(() => {})
    })
  }

  /** Resolves when what is wanted now is in the kernel. @throws what `refused` makes */
  now(): Promise<void> {
    const { clock, log, table, what } = this.#options
    const attempt = this.#running.then(() => this.#sync())
    this.#running = attempt.catch(error => {
      this.#applied = undefined
      log.error({ error: explain(error), table }, `${what} not written, will try again`)
      clock.schedule(Math.min(firstRetryMs * 2 ** this.#failures++, longestRetryMs), this.changed)
    })
    return attempt
  }

  async #sync(): Promise<void> {
    if (this.#stop.signal.aborted) return
    const { table, family, plan, changes, applied, clock } = this.#options
    this.#gatherUntilMs = clock.monotonicMs() + gatherMs
    if (this.#applied && changes) {
      const { before, after } = changes()
      await this.#write(difference(table, before, after, family))
    } else {
      const wanted = await plan()
      if (!wanted) return
      await this.#write(this.#script(wanted))
      this.#applied = wanted
    }
    this.#failures = 0
    await applied?.()
  }

  /** An empty table is taken away: the kernel would ask it about every packet. */
  #script(wanted: NftTable): string[] {
    const { table, family } = this.#options
    const from = this.#applied ?? emptyTable()
    if (this.#applied && isEmptyTable(from) === isEmptyTable(wanted)) return difference(table, from, wanted, family)
    return wholeTable(table, wanted, family)
  }

  async #write(script: string[]): Promise<void> {
    if (!script.length) return
    try {
      await this.#options.commands.run('nft', ['-f', '-'], { stdin: `${script.join('\n')}\n` })
    } catch (cause) {
      throw this.#options.refused(cause)
    }
  }

  /** One that the kernel asks about packets: it is gone when somebody flushed our table. */
  #hooked() {
    const chain = [...(this.#applied?.chains ?? [])].find(([, { hook }]) => hook)?.[0]
    const { table, family = 'ip' } = this.#options
    return chain === undefined ? undefined : { family, table, chain }
  }

  /** Somebody's `nft flush ruleset` took our table with it: put it back. */
  #writeAnew(): void {
    const { log, table, what } = this.#options
    log.warn({ table }, `the ${what} were gone; writing them anew`)
    this.#applied = undefined
    this.changed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#audit[Symbol.dispose]()
    await this.#running
  }
}

/** Takes a table out of the kernel, that of both families; no table is fine. */
export async function removeNftTable(commands: Commands, table: string): Promise<void> {
  const remove = (family: NftFamily, allowFailure: boolean) =>
    commands.run('nft', ['-f', '-'], { stdin: `${wholeTable(table, emptyTable(), family).join('\n')}\n`, allowFailure })
  await remove('ip', false)
  // A kernel may have been built without IPv6.
  await remove('ip6', true)
}
