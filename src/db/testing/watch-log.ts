import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../base/random.ts'
import { Compacted, type Key, type Revision, type Store } from '../store.ts'

/** What was acknowledged: the true log. */
interface Logged {
  revision: Revision
  key: Key
  value: string | undefined
}

export interface WatchLogOptions {
  /** Opens the store, again and again the same one. */
  open(): Promise<Store>
  random: Random
  commits: number
  /** Times that it is closed and opened again. */
  restarts: number
}

export interface WatchLogOutcome {
  /** What a watcher was told and the log does not have in that place, or the other way round. */
  wrong: string[]
  events: number
  /** Watches that were told that their place is compacted. */
  compacted: number
}

const watchers = 12
const keys = 60

/**
 * Writers, watchers that read as slowly as they like and resume where they were, compactions and restarts. Each watcher is told each
 * change of its prefix after its revision, once and in order; or that it is compacted, and only when it is.
 */
export async function compareWithLog(options: WatchLogOptions): Promise<WatchLogOutcome> {
  const { random } = options
  const log: Logged[] = []
  const outcome: WatchLogOutcome = { wrong: [], events: 0, compacted: 0 }
  const readers = Array.from({ length: watchers }, (_, i) => new Reader(`/w/${i % 4 === 0 ? '' : i % 4}`, i % 3 === 0))
  for (let round = 0; round <= options.restarts; round++) {
    await using store = await options.open()
    const stop = new AbortController()
    const reading = readers.map(r => r.follow(store, stop.signal, random, outcome))
    const until = Math.ceil((options.commits * (round + 1)) / (options.restarts + 1))
    await Promise.all(Array.from({ length: 8 }, (_, w) => write(store, log, until, random, `${round}-${w}`)))
    const end = await store.revision()
    for (let tries = 0; tries < 1200 && readers.some(r => r.at < end && round === options.restarts); tries++)
      await wait(50)
    stop.abort()
    await Promise.all(reading)
  }
  log.sort((a, b) => (a.revision < b.revision ? -1 : 1))
  for (const reader of readers) outcome.wrong.push(...reader.compare(log))
  return outcome
}

async function write(store: Store, log: Logged[], until: number, random: Random, name: string): Promise<void> {
  for (let n = 0; log.length < until; n++) {
    const key = `/w/${Math.floor(random.next() * 4)}/${Math.floor(random.next() * keys)}`
    const value = random.next() < 0.2 && (await store.get(key)) ? undefined : `${name}-${n}`
    const before = value === undefined ? await store.get(key) : undefined
    if (value === undefined && !before) continue
    const change = { key, value: value === undefined ? undefined : new Uint8Array(Buffer.from(value)) }
    const seen = before ? new Map([[key, before.revision]]) : new Map()
    // Another one was faster with the deletion.
    const revision = await store.commit([change], seen).catch(() => undefined)
    if (revision !== undefined) log.push({ revision, key, value })
    if (random.next() < 0.004) await store.compact((await store.revision()) - BigInt(Math.floor(random.next() * 200)))
  }
}

/** A stretch of following: from a revision to another. */
interface Stretch {
  from: Revision
  through: Revision
  told: string[]
}

class Reader {
  readonly #prefix: Key
  readonly #slow: boolean
  readonly #stretches: Stretch[] = []
  at: Revision = 0n

  constructor(prefix: Key, slow: boolean) {
    this.#prefix = prefix
    this.#slow = slow
  }

  async follow(store: Store, stop: AbortSignal, random: Random, outcome: WatchLogOutcome): Promise<void> {
    while (!stop.aborted) {
      const own = new AbortController()
      const signal = AbortSignal.any([stop, own.signal])
      const stretch = this.#stretches.at(-1) ?? this.#begin(await store.revision())
      try {
        for await (const { revision, events } of store.watch(this.#prefix, this.at, signal)) {
          for (const { key, value, revision: r } of events) {
            stretch.told.push(textOf({ revision: r, key, value: value && Buffer.from(value).toString() }))
            outcome.events++
          }
          this.at = stretch.through = revision
          if (this.#slow && random.next() < 0.05) await wait(random.next() * 100)
          if (random.next() < 0.002) own.abort()
        }
      } catch (error) {
        if (!(error instanceof Compacted)) throw error
        outcome.compacted++
        const oldest = await store.compacted()
        if (this.at >= oldest) outcome.wrong.push(`told that ${this.at} is compacted, but ${oldest} is the oldest`)
        this.#begin(await store.revision())
      }
    }
  }

  compare(log: readonly Logged[]): string[] {
    return this.#stretches.flatMap(({ from, through, told }) => {
      const expected = log
        .filter(l => l.revision > from && l.revision <= through && l.key.startsWith(this.#prefix))
        .map(textOf)
      const at = expected.findIndex((text, i) => text !== told[i])
      if (at < 0 && told.length === expected.length) return []
      return [
        `watch of ${this.#prefix} from ${from}: told ${told[Math.max(at, 0)]} where the log has ${expected[Math.max(at, 0)]} (${told.length} of ${expected.length})`,
      ]
    })
  }

  #begin(from: Revision): Stretch {
    this.at = from
    const stretch = { from, through: from, told: [] }
    this.#stretches.push(stretch)
    return stretch
  }
}

const textOf = ({ revision, key, value }: Logged) => `${revision} ${key} ${value ?? 'deleted'}`
