import { createHash } from 'node:crypto'
import type { QueuingConfiguration } from '../../models/types/flowcontrol-v1.ts'

/** A request that waits for seats. */
export interface Waiting {
  seats: number
  /** Its queue lets it go. @param done tells the queue that it is over, and how long it took */
  start(done: Done): void
}

export type Done = (tookMs: number) => void

interface Queue {
  waiting: Waiting[]
  /** Seats of its requests that run. */
  running: number
  /** In virtual time: when its next request would begin, were all queues served at once and alike. */
  nextStart: number
}

/** What a request is taken to need before it is known, in milliseconds. */
const guessMs = 5

/**
 * Queues of one priority level that share its seats fairly. Each flow has a hand of a few queues, dealt by its name, and
 * uses the shortest: so a flood fills its own hand, and hardly ever all queues of another's.
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export class FairQueues {
  readonly #queues: Queue[]
  readonly #handSize: number
  readonly #limit: number
  /** Start of the request that was let go last. */
  #now = 0
  #waitingSeats = 0
  #waiting = 0

  constructor({ queues = 64, handSize = 8, queueLengthLimit = 50 }: QueuingConfiguration) {
    this.#queues = Array.from({ length: queues }, () => ({ waiting: [], running: 0, nextStart: 0 }))
    this.#handSize = handSize
    this.#limit = queueLengthLimit
  }

  get waiting(): number {
    return this.#waiting
  }

  get waitingSeats(): number {
    return this.#waitingSeats
  }

  /** @returns how to leave the queue before its turn, or undefined when the flow's queues are full */
  add(flow: string, request: Waiting): (() => void) | undefined {
    const hand = dealHand(flow, this.#queues.length, this.#handSize).map(card => this.#queues[card]!)
    const load = (queue: Queue) => queue.running + queue.waiting.reduce((sum, w) => sum + w.seats, 0)
    const queue = hand.reduce((best, next) => (load(next) < load(best) ? next : best))
    if (queue.waiting.length >= this.#limit) return undefined
    if (queue.waiting.length === 0) queue.nextStart = Math.max(queue.nextStart, this.#now)
    queue.waiting.push(request)
    this.#count(request, 1)
    return () => {
      const at = queue.waiting.indexOf(request)
      if (at < 0) return
      queue.waiting.splice(at, 1)
      this.#count(request, -1)
    }
  }

  /** Who is next; stays where it is. */
  peek(): Waiting | undefined {
    return this.#next()?.waiting[0]
  }

  /** Lets the next one go. */
  shift(): void {
    const queue = this.#next()!
    const request = queue.waiting.shift()!
    this.#count(request, -1)
    this.#now = queue.nextStart
    queue.running += request.seats
    queue.nextStart += request.seats * guessMs
    request.start(tookMs => {
      queue.running -= request.seats
      queue.nextStart += request.seats * (tookMs - guessMs)
    })
  }

  #next(): Queue | undefined {
    let best: Queue | undefined
    for (const queue of this.#queues)
      if (queue.waiting.length && (!best || queue.nextStart < best.nextStart)) best = queue
    return best
  }

  #count({ seats }: Waiting, sign: 1 | -1): void {
    this.#waiting += sign
    this.#waitingSeats += sign * seats
  }
}

/** `size` different numbers below `deck`, always the same for a name; two names rarely share many. */
export function dealHand(name: string, deck: number, size: number): number[] {
  let hash = createHash('sha256').update(name).digest().readBigUInt64BE()
  const hand: number[] = []
  for (let i = 0; i < Math.min(size, deck); i++) {
    const left = BigInt(deck - i)
    let card = Number(hash % left)
    hash /= left
    // The card is counted among those that are left.
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}
