import type { Clock } from '../../base/clock.ts'
import type { Author, Change, Key, Revision, StoreBatch, StoreEvent } from '../store.ts'
import { packAuthor } from './author.ts'
import { Packer } from './packing.ts'
import type { CommitResult, Committed, Failure } from './protocol.ts'
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
  writer: Pick<Thread, 'send' | 'lookOut' | 'onCommitted'>
  toError(failure: Failure): Error
  /** A group is on its way to the writer: so many changes, so many bytes. */
  onSent(changes: number, bytes: number): void
  /** The writer goes on while what it wrote is made durable: then it gets parts, not all at once. */
  overlapped(): boolean
  /** What becomes of a lone commit is looked out for instead of sleeping. */
  looksOut: boolean
  /** Many commits leave at once. */
  onMany(): void
  /** Called in order of revision, once durable, before the commit resolves. */
  publish(batch: StoreBatch): void
}

/** So many commits are many: they leave without waiting for more, if the writer can write them while others are synced. */
const sendAt = 32
/** After so many that left alone, one after the other, nobody else commits: the next one is looked out for. */
const loneInARow = 4
/** Of those under way: so that one part is written, one synced, one handed back and one gathered. */
const sendShare = 0.25

/**
 * Gathers commits, sends them to the writer packed, and hands back what became of them. All of one turn of the event loop leave
 * together, or in parts if they are many; where commits come alone, one after the other, each leaves with the present microtask.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #packer = new Packer()
  #queue: Pending[] = []
  readonly #sent: Pending[][] = []
  /** What became of later groups than the next one, by the number of their first. */
  readonly #early = new Map<number, CommitResult[]>()
  #handed = 0
  #scheduled = false
  /** So many in a row left alone, each after the one before was handed back. */
  #lone = 0
  /** Commits that were sent and not yet handed back. */
  #underWay = 0
  #failed: Error | undefined
  #drained: (() => void) | undefined

  constructor(options: CommitQueueOptions) {
    this.#options = options
    options.writer.onCommitted = committed => this.committed(committed)
  }

  commit(changes: Change[], seen: ReadonlyMap<Key, Revision>, author?: Author): Promise<Revision> {
    if (this.#failed) return Promise.reject(this.#failed)
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, seen, author, resolve, reject })
      if (this.#queue.length >= Math.max(sendAt, this.#underWay * sendShare) && this.#options.overlapped()) {
        this.#send()
        return
      }
      if (this.#scheduled) return
      this.#scheduled = true
      const send = () => {
        this.#scheduled = false
        this.#send()
      }
      if (this.#sent.length === 0 && this.#lone > 0) queueMicrotask(send)
      else setImmediate(send)
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
    const group = this.#queue
    if (group.length === 0) return
    if (group.length >= sendAt) this.#options.onMany()
    this.#queue = []
    this.#sent.push(group)
    this.#underWay += group.length
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
    this.#lone = group.length === 1 && this.#sent.length === 1 ? this.#lone + 1 : 0
    if (this.#lone > loneInARow && this.#options.looksOut) setImmediate(() => this.#lookOutFor(group))
  }

  /** Once everything else that this turn of the event loop brought is done, and if nobody else wants to commit. */
  #lookOutFor(group: Pending[]): void {
    if (this.#sent[0] === group && this.#sent.length === 1 && this.#queue.length === 0) this.#options.writer.lookOut()
  }

  /** From whichever thread made them durable; what came before them may still be on its way from the other. */
  committed({ first, results }: Committed): void {
    if (this.#failed) return
    this.#early.set(first, results)
    for (let next = this.#take(); next; next = this.#take()) for (const result of next) this.#hand(result)
  }

  #take(): CommitResult[] | undefined {
    const results = this.#early.get(this.#handed)
    this.#early.delete(this.#handed)
    this.#handed += results?.length ?? 0
    return results
  }

  #hand(result: CommitResult): void {
    const group = this.#sent.shift() ?? []
    this.#underWay -= group.length
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
