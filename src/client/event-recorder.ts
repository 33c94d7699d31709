import { type Clock, sleep, timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { Newest } from '../base/newest.ts'
import { Pace } from '../base/pace.ts'
import type { Random } from '../base/random.ts'
import { type Rate, TokenBuckets } from '../base/token-buckets.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import { Event as EventKind } from '../models/kinds/index.ts'
import { type KubeObject, keyOf, keyText } from '../models/object.ts'
import type { Event } from '../models/types/core-v1.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'

export interface EventRecorderOptions {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  /** Who speaks: `default-scheduler`, `deployment-controller`. */
  component: string
  /** The node it speaks from, if that matters. */
  host?: string
  /** While true, events are written one at a time, so that what is written meanwhile comes first. */
  busy?(): boolean
  /**
   * Normal events wait a moment for what is written because of the same thing, and on while busy: for so many milliseconds
   * at most. A warning is written at once, and what came before it. Unless given nothing waits.
   */
  holdMs?: number
  /** How often one is written; as often as need be unless given. */
  rate?: Rate | undefined
}

/** Of the object that an event is about only this is kept: thousands of events are remembered for hours. */
type About = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  metadata: Pick<KubeObject['metadata'], 'namespace' | 'name' | 'uid' | 'resourceVersion'>
}

interface Entry {
  about: About
  type: 'Normal' | 'Warning'
  reason: string
  action: string | undefined
  message: string
  count: number
  first: string
  last: string
  /** Set once the event exists on the server. */
  key?: { namespace: string; name: string }
  /** `again`: it is being written, and there is more to say already. Two at once would make two of it. */
  state: 'idle' | 'queued' | 'writing' | 'again'
}

/** What differs only in its message counts as one flood for so long after the last of it. */
const windowMs = 600_000
/** From so many different messages on for one object and reason they are combined. */
const distinctMessages = 10
/** So much may be written of one object at once, and one more every five minutes; what is more is only counted. */
const writesOfOne = { burst: 25, perSecond: 1 / 300 }
const remembered = 4_096
const waitingEntries = 20_000
const writers = 8
const attempts = 5
/** How often it is looked whether there is time again. */
const busyCheckMs = 100
/** Between two things that one who is busy does he seems not to be. */
const quietChecks = 2

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, random, log, component, host } = options
  const entries = new Newest<string, Entry>(remembered)
  const messages = new Newest<string, { texts: Set<string>; lastMs: number }>(remembered)
  const spent = new TokenBuckets(clock, remembered)
  const pace = options.rate && new Pace(clock, options.rate)
  const queue: Entry[] = []
  let busy = 0
  let dropped = 0
  let checking = false
  /** What waits is held back since then; undefined: nothing is. */
  let heldSinceMs: number | undefined
  /** So many looks in a row found it not busy. */
  let quiet = 0
  const idle: (() => void)[] = []

  function record(about: KubeObject, type: Entry['type'], reason: string, message: string, action?: string): void {
    const nowMs = clock.monotonicMs()
    const object = [about.metadata.uid, about.kind, keyText(keyOf(about))].join('\0')
    const group = [object, type, reason].join('\0')
    const combined = combine(group, message, nowMs)
    const id = combined ? group : `${group}\0${message}`
    const text = (combined ? `(combined from similar events): ${message}` : message).slice(0, 1024)
    const now = timestamp(clock)
    const entry = entries.get(id) ?? {
      about: referenceTo(about),
      type,
      reason,
      action,
      message: text,
      count: 0,
      first: now,
      last: now,
      state: 'idle' as const,
    }
    Object.assign(entry, { message: text, last: now, count: entry.count + 1 })
    entries.set(id, entry)
    if (spent.take(object, writesOfOne) > 0) return
    if (entry.state === 'writing') entry.state = 'again'
    if (entry.state !== 'idle') return
    if (queue.length >= waitingEntries) {
      // Once is enough: in a flood the log must not be the next to drown.
      if (!dropped++) log.warn({ reason, object: keyText(keyOf(about)) }, 'events dropped, too many wait to be written')
      return
    }
    enqueue(entry)
    if (type === 'Warning') heldSinceMs = undefined
    else if (options.holdMs && queue.length === 1 && !busy) {
      heldSinceMs = nowMs
      quiet = 0
    }
    if (heldSinceMs === undefined) startWriters()
    else checkLater()
  }

  function enqueue(entry: Entry): void {
    entry.state = 'queued'
    queue.push(entry)
  }

  function isHeld(): boolean {
    if (heldSinceMs === undefined) return false
    if (quiet >= quietChecks || clock.monotonicMs() - heldSinceMs >= options.holdMs!) heldSinceMs = undefined
    return heldSinceMs !== undefined
  }

  function startWriters(): void {
    if (isHeld()) {
      checkLater()
      return
    }
    const limit = options.busy?.() ? 1 : writers
    for (let more = Math.min(limit - busy, queue.length); more > 0; more--) void drain()
    if (limit === 1 && queue.length) checkLater()
  }

  function checkLater(): void {
    if (checking) return
    checking = true
    clock.schedule(busyCheckMs, () => {
      checking = false
      quiet = options.busy?.() ? 0 : quiet + 1
      startWriters()
    })
  }

  function combine(group: string, message: string, nowMs: number): boolean {
    const known = messages.get(group)
    const seen = known && nowMs - known.lastMs <= windowMs ? known : { texts: new Set<string>(), lastMs: nowMs }
    seen.lastMs = nowMs
    messages.set(group, seen)
    if (seen.texts.has(message)) return false
    if (seen.texts.size + 1 >= distinctMessages) return true
    seen.texts.add(message)
    return false
  }

  async function drain(): Promise<void> {
    busy++
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      // What is said of it meanwhile is written with it.
      await pace?.turn()
      entry.state = 'writing'
      await persist(entry)
      if (isDirty(entry)) enqueue(entry)
      else entry.state = 'idle'
      if (busy > 1 && options.busy?.()) break
    }
    busy--
    if (!queue.length) dropped = 0
    if (!busy && !queue.length) for (const resolve of idle.splice(0)) resolve()
  }

  async function persist(entry: Entry): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write(entry)
        return
      } catch (error) {
        const hopeless = error instanceof ApiError && !error.retriable
        if (hopeless || attempt === attempts) {
          log.warn(
            { error: explain(error), reason: entry.reason, object: keyText(entry.about.metadata) },
            'event not written',
          )
          return
        }
        await sleep(clock, 500 * 2 ** attempt)
      }
    }
  }

  async function write(entry: Entry): Promise<void> {
    const { count, last: lastTimestamp, message } = entry
    if (entry.key) {
      try {
        await client.patch(EventKind, entry.key, { type: 'merge', body: { count, lastTimestamp, message } })
        return
      } catch (error) {
        // Expired on the server meanwhile: it becomes a new one.
        if (!isNotFound(error)) throw error
      }
    }
    const { about, type, reason, action, first: firstTimestamp } = entry
    const { namespace, name, uid, resourceVersion } = about.metadata
    const id = idAt(clock.now(), random)
    const created = await client.create<Event>(EventKind, {
      metadata: { namespace: namespace ?? 'default', name: `${name.slice(0, 230)}.${id}` },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        ...(namespace ? { namespace } : {}),
        ...(uid ? { uid } : {}),
        ...(resourceVersion ? { resourceVersion } : {}),
      },
      type,
      reason,
      ...(action ? { action } : {}),
      message,
      count,
      firstTimestamp,
      lastTimestamp,
      source: { component, ...(host ? { host } : {}) },
      reportingComponent: component,
      reportingInstance: host ?? '',
    })
    entry.key = { namespace: created.metadata.namespace!, name: created.metadata.name }
  }

  return {
    normal: (about, reason, message, action) => record(about, 'Normal', reason, message, action),
    warning: (about, reason, message, action) => record(about, 'Warning', reason, message, action),
    flush: () => {
      heldSinceMs = undefined
      startWriters()
      return busy ? new Promise(resolve => idle.push(resolve)) : Promise.resolve()
    },
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): About {
  const { namespace, name, uid, resourceVersion } = metadata
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) },
  }
}

const isDirty = (entry: Entry) => entry.state === 'again'

/** Sorts by time as Kubernetes' do, which are nanoseconds in hexadecimal; ours to a millisecond, the rest is chance. */
function idAt(nowMs: number, random: Random): string {
  const chance = Buffer.from(random.bytes(3)).readUIntBE(0, 3) % 1_000_000
  return (BigInt(Math.trunc(nowMs)) * 1_000_000n + BigInt(chance)).toString(16).padStart(16, '0')
}
