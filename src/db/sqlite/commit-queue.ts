import type { Clock } from '../../base/clock.ts'
import type { Author, Change, Key, Revision, StoreBatch, StoreEvent } from '../store.ts'
import { packAuthor } from './author.ts'
import { Packer } from './packing.ts'
import type { CommitResult, Failure } from './protocol.ts'
import type { Thread } from './thread.ts'

interface Pending {
  changes: Change[]
  seen: ReadonlyMap<Key, Revision>
  author: Author | undefined
  resolve(revision: Revision): void
  reject(error: Error): void
}

export interface CommitQueueOptions {
  clock: Clock
  writer: Thread
  toError(failure: Failure): Error
  /** A group is on its way to the writer: so many changes, so many bytes. */
  onSent(changes: number, bytes: number): void
  /** Called in order of revision, once durable, before the commit resolves. */
  publish(batch: StoreBatch): void
}

/**
 * Gathers commits, sends them to the writer packed, and hands back what became of them. Idle, a commit leaves with the
 * present microtask; while the writer works, all of one turn of the event loop leave together.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #packer = new Packer()
  #queue: Pending[] = []
  readonly #sent: Pending[][] = []
  #scheduled = false
  #failed: Error | undefined
  #drained: (() => void) | undefined

  constructor(options: CommitQueueOptions) {
    this.#options = options
    options.writer.onCommitted = result => this.#committed(result)
  }

  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    if (this.#failed) return Promise.reject(this.#failed)
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, seen, author, resolve, reject })
      if (this.#scheduled) return
      this.#scheduled = true
      if (this.#sent.length === 0) queueMicrotask(() => this.#send())
      else setImmediate(() => this.#send())
    })
  }

  /** Resolves when everything that was accepted is durable or has failed. */
  async drain(): Promise<void> {
    while (this.#queue.length || this.#sent.length) {
      await new Promise<void>(resolve => {
        this.#drained = resolve
      })
    }
  }

  fail(error: Error): void {
    this.#failed = error
    for (const pending of [...this.#sent.flat(), ...this.#queue]) pending.reject(error)
    this.#sent.length = 0
    this.#queue = []
    this.#drained?.()
  }

  #send(): void {
    this.#scheduled = false
    const group = this.#queue
    if (group.length === 0) return
    this.#queue = []
    this.#sent.push(group)
    const packer = this.#packer
    let count = 0
    for (const { changes, seen, author } of group) {
      packer.number(seen.size)
      packer.number(changes.length)
      count += changes.length
      for (const [key, revision] of seen) {
        packer.text(key)
        packer.number(Number(revision))
      }
      for (const { key, value } of changes) {
        packer.text(key)
        packer.value(value)
      }
      packAuthor(packer, author)
    }
    const { keys, numbers, bytes, moved } = packer.finish()
    const now = this.#options.clock.now()
    this.#options.onSent(count, bytes.length)
    this.#options.writer.send({ type: 'commit', commits: group.length, keys, numbers, bytes, now }, moved)
  }

  #committed(result: CommitResult): void {
    const group = this.#sent.shift() ?? []
    const { numbers } = result
    let [next, failures] = [0, 0]
    for (const pending of group) {
      const revision = numbers[next++]!
      if (revision < 0) {
        pending.reject(this.#options.toError(result.failures[failures++]!))
        continue
      }
      const { changes } = pending
      const batch = eventsOf(changes, BigInt(revision), numbers.subarray(next, (next += changes.length)))
      if (batch.events.length) this.#options.publish(batch)
      pending.resolve(batch.revision)
    }
    if (this.#queue.length === 0 && this.#sent.length === 0) this.#drained?.()
  }
}

/** @param created of each change the revision that created its key; 0: nothing was changed */
function eventsOf(changes: Change[], revision: Revision, created: Float64Array): StoreBatch {
  const events: StoreEvent[] = []
  for (const [i, { key, value }] of changes.entries())
    if (created[i]! > 0)
      events.push({ type: value ? 'put' : 'delete', key, value, revision, created: value ? BigInt(created[i]!) : 0n })
  return { revision, events }
}
