import { setMaxListeners } from 'node:events'
import { afterEach, beforeEach } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Key, Revision, Store } from '../store.ts'
import { bytes, Reader } from './events.ts'

export interface ConformanceOptions {
  /** How many random histories the property test runs; 60 unless given. */
  runs?: number
  /** How many commits the tests of concurrency make; 400 unless given. */
  commits?: number
  /** Waits until what was compacted is physically gone, for engines that take their time. */
  swept?: (store: Store) => Promise<void>
}

/** The store that is judged: a new and empty one for each test. */
export class Subject {
  readonly options: ConformanceOptions
  readonly commits: number
  store!: Store
  clock!: VirtualClock
  stop!: AbortController

  constructor(open: (clock: VirtualClock) => Promise<Store>, options: ConformanceOptions) {
    this.options = options
    this.commits = options.commits ?? 400
    beforeEach(async () => {
      this.clock = new VirtualClock()
      this.stop = new AbortController()
      setMaxListeners(0, this.stop.signal)
      this.store = await open(this.clock)
    })
    afterEach(async () => {
      this.stop.abort()
      await this.store[Symbol.asyncDispose]()
    })
  }

  put = (key: Key, value: string, seen?: Revision) =>
    this.store.commit([{ key, value: bytes(value) }], new Map(seen === undefined ? [] : [[key, seen]]))

  remove = (key: Key, seen?: Revision) =>
    this.store.commit([{ key, value: undefined }], new Map(seen === undefined ? [] : [[key, seen]]))

  watch = (prefix: Key, from: Revision) => new Reader(this.store.watch(prefix, from, this.stop.signal))

  /** Moves the clock until the promise is settled. */
  whileTimePasses = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    while (!settled) await this.clock.advance(100)
    return promise
  }
}
