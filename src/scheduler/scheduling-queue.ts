import { backoffMs } from '../base/backoff.ts'
import type { Cancel, Clock } from '../base/clock.ts'
import type { ClusterEvent } from './cluster-event.ts'
import { gangKey } from './gangs/gangs.ts'
import { Heap } from './heap.ts'
import type { PodInfo } from './pod-class.ts'

type Place = 'active' | 'backoff' | 'parked' | 'gated' | 'flying' | 'gone'

export interface QueuedPod {
  info: PodInfo
  attempts: number
  /** When it first came. */
  sinceMs: number
  lastAttemptMs: number
  /** Plugins that refused it last. */
  rejectedBy: ReadonlySet<string>
  place: Place
  /** Number of the next event when it was taken. */
  takenAt: number
  parkedMs: number
  /** The node that is being cleared for it: until then it waits for that one. */
  promised: string | undefined
  /** Order of arrival; among equal priorities the earlier goes first. */
  number: number
  /** Grows with every move: what waits in a heap from before is void. */
  move: number
}

export interface SchedulingQueueOptions {
  clock: Clock
  /** May the event let in the pod that the plugin refused? */
  wakes(plugin: string, event: ClusterEvent, info: PodInfo): boolean
  /** The pod is kept back, though it has no gates: until `release`. */
  held?(info: PodInfo): boolean
  /** Something became active. */
  onReady(): void
}

interface Ticket {
  entry: QueuedPod
  move: number
}

const backoff = { baseMs: 1_000, maxMs: 10_000 }
const leftoverMs = 300_000
const leftoverCheckMs = 30_000

/** Pods without a node: those to be tried now, later, after something changes, or once nothing keeps them back. */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions
  readonly #clock: Clock
  readonly #entries = new Map<string, QueuedPod>()
  readonly #active = new Heap<Ticket>((a, b) => before(a.entry, b.entry))
  readonly #backoff: Heap<Ticket & { untilMs: number }> = new Heap((a, b) => a.untilMs < b.untilMs)
  /** Parked pods by class and refusing plugins: what wakes one wakes all of a group. */
  readonly #parked = new Map<string, Set<QueuedPod>>()
  /** Parked pods by the node that is being cleared for them. */
  readonly #promised = new Map<string, Set<QueuedPod>>()
  readonly #flying = new Set<QueuedPod>()
  readonly #gangs = new Map<string, Set<QueuedPod>>()
  /** Events since the earliest flying pod was taken. */
  #events: ClusterEvent[] = []
  #eventsStart = 0
  #backoffTimer: { atMs: number; cancel: Cancel } | undefined
  #leftoverTimer: Cancel | undefined
  #closed = false
  #arrivals = 0
  readonly #counts: Record<Place, number> = { active: 0, backoff: 0, parked: 0, gated: 0, flying: 0, gone: 0 }

  constructor(options: SchedulingQueueOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#watchLeftovers()
  }

  counts(): Readonly<Record<Exclude<Place, 'gone'>, number>> {
    const { gone: _, ...counts } = this.#counts
    return counts
  }

  get(uid: string): QueuedPod | undefined {
    return this.#entries.get(uid)
  }

  add(info: PodInfo): void {
    const nowMs = this.#clock.monotonicMs()
    const entry: QueuedPod = {
      info,
      attempts: 0,
      sinceMs: nowMs,
      lastAttemptMs: nowMs,
      rejectedBy: new Set(),
      place: 'gone',
      takenAt: 0,
      parkedMs: 0,
      promised: undefined,
      number: this.#arrivals++,
      move: 0,
    }
    this.#entries.set(info.uid, entry)
    const gang = gangKey(info.pod)
    if (gang) this.#gangs.set(gang, (this.#gangs.get(gang) ?? new Set()).add(entry))
    if (this.#gated(info)) this.#to(entry, 'gated')
    else this.#activate(entry)
  }

  /** Whoever kept it back lets it go. */
  release(uid: string): void {
    const entry = this.#entries.get(uid)
    if (entry?.place === 'gated' && !this.#gated(entry.info)) this.#activate(entry)
  }

  /** It is kept back again. */
  shelve(entry: QueuedPod): void {
    if (entry.place !== 'flying') return
    this.#to(entry, 'gated')
    this.#forgetEvents()
  }

  /** The pod has a new state. What it asks for decides whether it is worth another try; its status does not. */
  update(info: PodInfo): void {
    const entry = this.#entries.get(info.uid)
    if (!entry) return
    const changed = entry.info.class.id !== info.class.id
    if (entry.place === 'gated') {
      entry.info = info
      if (!this.#gated(info)) this.#activate(entry)
    } else if (entry.place === 'parked' && changed) {
      this.#unpark(entry)
      entry.info = info
      this.#wakeOne(entry)
    } else {
      entry.info = info
      if (entry.place === 'active' && changed) this.#activate(entry)
    }
  }

  remove(uid: string): QueuedPod | undefined {
    const entry = this.#entries.get(uid)
    if (!entry) return undefined
    if (entry.place === 'parked') this.#unpark(entry)
    this.#entries.delete(uid)
    this.#leaveGang(entry)
    this.#to(entry, 'gone')
    this.#forgetEvents()
    return entry
  }

  /** Pods of the gang that wait for their turn or for something to change; gated and flying ones are not among them. */
  waitingIn(gang: string): QueuedPod[] {
    const waiting = (e: QueuedPod) => e.place === 'active' || e.place === 'backoff' || e.place === 'parked'
    return [...(this.#gangs.get(gang) ?? [])].filter(waiting).sort((a, b) => (before(a, b) ? -1 : 1))
  }

  /** Takes this one out of its turn, wherever it waits. */
  claim(entry: QueuedPod): void {
    if (entry.place === 'parked') this.#unpark(entry)
    this.#fly(entry)
  }

  /** The next pod to try; it must come back by `park`, `retry` or `remove`. */
  take(): QueuedPod | undefined {
    for (let ticket = this.#active.pop(); ticket; ticket = this.#active.pop()) {
      const { entry } = ticket
      if (entry.move !== ticket.move) continue
      this.#fly(entry)
      return entry
    }
    return undefined
  }

  #fly(entry: QueuedPod): void {
    entry.attempts++
    entry.lastAttemptMs = this.#clock.monotonicMs()
    entry.takenAt = this.#eventsStart + this.#events.length
    this.#to(entry, 'flying')
  }

  /**
   * It fits nowhere: wait until something happens that may change that, if it has not happened already.
   * @param promised the node that is being cleared for it: pods that go elsewhere do not wake it
   */
  park(entry: QueuedPod, rejectedBy: ReadonlySet<string>, promised?: string): void {
    if (entry.place !== 'flying') return
    entry.rejectedBy = rejectedBy
    entry.promised = promised
    const missed = this.#events.slice(Math.max(entry.takenAt - this.#eventsStart, 0))
    if (missed.some(event => this.#wakes(entry, event))) {
      this.#wakeOne(entry)
    } else {
      entry.parkedMs = this.#clock.monotonicMs()
      this.#to(entry, 'parked')
      const [groups, key] = this.#groupOf(entry)
      const group = groups.get(key) ?? new Set()
      groups.set(key, group.add(entry))
    }
    this.#forgetEvents()
  }

  /** What it waited for has come: it is its turn at once. */
  hurry(uid: string): void {
    const entry = this.#entries.get(uid)
    if (entry?.place !== 'parked' && entry?.place !== 'backoff') return
    if (entry.place === 'parked') this.#unpark(entry)
    this.#activate(entry)
  }

  /** Something went wrong that has nothing to do with the pod: again after its back-off. */
  retry(entry: QueuedPod): void {
    if (entry.place !== 'flying') return
    this.#wakeOne(entry)
    this.#forgetEvents()
  }

  /** Something happened: whoever it may let in is tried again. */
  wake(event: ClusterEvent): void {
    if (this.#flying.size) this.#events.push(event)
    for (const [key, group] of this.#parked) {
      const one = group.values().next().value!
      if (!this.#wakes(one, event)) continue
      this.#parked.delete(key)
      for (const entry of group) this.#wakeOne(entry)
    }
    this.#wakePromised(event)
  }

  #wakePromised(event: ClusterEvent): void {
    if (event.type === 'pod-removed' || event.type === 'pod-placed') return
    for (const group of [...this.#promised.values()])
      for (const entry of [...group])
        if (event.type === 'node-removed' ? event.node.metadata.name === entry.promised : this.#wakes(entry, event)) {
          this.#unpark(entry)
          this.#wakeOne(entry)
        }
  }

  /** The rules have changed: whatever kept pods parked may be over. */
  wakeAll(): void {
    for (const entry of this.#allParked()) {
      this.#unpark(entry)
      this.#wakeOne(entry)
    }
  }

  close(): void {
    this.#closed = true
    this.#backoffTimer?.cancel()
    this.#leftoverTimer?.()
  }

  #gated(info: PodInfo): boolean {
    return (info.pod.spec.schedulingGates?.length ?? 0) > 0 || (this.#options.held?.(info) ?? false)
  }

  #wakes({ rejectedBy, info }: QueuedPod, event: ClusterEvent): boolean {
    if (!rejectedBy.size) return true
    for (const plugin of rejectedBy) if (this.#options.wakes(plugin, event, info)) return true
    return false
  }

  #wakeOne(entry: QueuedPod): void {
    const untilMs = entry.lastAttemptMs + backoffMs(backoff, entry.attempts)
    if (untilMs <= this.#clock.monotonicMs()) {
      this.#activate(entry)
      return
    }
    this.#to(entry, 'backoff')
    this.#backoff.push({ entry, move: entry.move, untilMs })
    this.#watchBackoff()
  }

  #activate(entry: QueuedPod): void {
    this.#to(entry, 'active')
    this.#active.push({ entry, move: entry.move })
    if (!this.#closed) this.#options.onReady()
  }

  #watchBackoff(): void {
    const next = this.#backoff.peek()
    if (!next || this.#closed) return
    if (this.#backoffTimer && this.#backoffTimer.atMs <= next.untilMs) return
    this.#backoffTimer?.cancel()
    const cancel = this.#clock.schedule(next.untilMs - this.#clock.monotonicMs(), () => {
      this.#backoffTimer = undefined
      const nowMs = this.#clock.monotonicMs()
      for (let first = this.#backoff.peek(); first && first.untilMs <= nowMs; first = this.#backoff.peek()) {
        this.#backoff.pop()
        if (first.entry.move === first.move) this.#activate(first.entry)
      }
      this.#watchBackoff()
    })
    this.#backoffTimer = { atMs: next.untilMs, cancel }
  }

  /** Hints may be wrong: nobody waits for ever. */
  #watchLeftovers(): void {
    this.#leftoverTimer = this.#clock.schedule(leftoverCheckMs, () => {
      const limitMs = this.#clock.monotonicMs() - leftoverMs
      for (const entry of this.#allParked())
        if (entry.parkedMs <= limitMs) {
          this.#unpark(entry)
          this.#wakeOne(entry)
        }
      if (!this.#closed) this.#watchLeftovers()
    })
  }

  #leaveGang(entry: QueuedPod): void {
    const key = gangKey(entry.info.pod)
    const gang = key === undefined ? undefined : this.#gangs.get(key)
    gang?.delete(entry)
    if (gang && !gang.size) this.#gangs.delete(key!)
  }

  #unpark(entry: QueuedPod): void {
    const [groups, key] = this.#groupOf(entry)
    const group = groups.get(key)
    group?.delete(entry)
    if (!group?.size) groups.delete(key)
  }

  #groupOf(entry: QueuedPod): [Map<string, Set<QueuedPod>>, string] {
    return entry.promised ? [this.#promised, entry.promised] : [this.#parked, groupOf(entry)]
  }

  #allParked(): QueuedPod[] {
    return [...this.#parked.values(), ...this.#promised.values()].flatMap(group => [...group])
  }

  #to(entry: QueuedPod, place: Place): void {
    if (entry.place === 'flying') this.#flying.delete(entry)
    if (place === 'flying') this.#flying.add(entry)
    this.#counts[entry.place]--
    this.#counts[place]++
    entry.place = place
    entry.move++
  }

  #forgetEvents(): void {
    const earliest = this.#flying.values().next().value
    const from = earliest ? earliest.takenAt : this.#eventsStart + this.#events.length
    // In steps, or every landing would copy what is left.
    if (earliest && from - this.#eventsStart < 1_024) return
    this.#events = this.#events.slice(from - this.#eventsStart)
    this.#eventsStart = from
  }
}

function groupOf({ info, rejectedBy }: QueuedPod): string {
  return `${info.class.id} ${info.personal ? info.uid : ''} ${[...rejectedBy].sort().join(' ')}`
}

function before(a: QueuedPod, b: QueuedPod): boolean {
  return a.info.priority !== b.info.priority ? a.info.priority > b.info.priority : a.number < b.number
}
