import { type Clock, sleep, timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
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
}

interface Entry {
  about: KubeObject
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  count: number
  first: string
  last: string
  lastMs: number
  /** Set once the event exists on the server. */
  key?: { namespace: string; name: string }
  queued: boolean
}

/** Repetitions within this are one event with a count. */
const windowMs = 600_000
/** More different messages than this for one object and reason within the window are combined. */
const distinctMessages = 10
const rememberedEntries = 4_096
const waitingEntries = 20_000
const writers = 8
const attempts = 5
/** How often it is looked whether there is time again. */
const busyCheckMs = 100

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, random, log, component, host } = options
  const entries = new Map<string, Entry>()
  const messages = new Map<string, { texts: Set<string>; sinceMs: number }>()
  const queue: Entry[] = []
  let busy = 0
  let dropped = 0
  let checking = false
  const idle: (() => void)[] = []

  function record(about: KubeObject, type: Entry['type'], reason: string, message: string): void {
    const nowMs = clock.monotonicMs()
    const group = [about.metadata.uid, about.kind, keyText(keyOf(about)), type, reason].join('\0')
    const combined = combine(group, message, nowMs)
    const id = combined ? group : `${group}\0${message}`
    const text = (combined ? `(combined from similar events): ${message}` : message).slice(0, 1024)
    let entry = entries.get(id)
    entries.delete(id)
    if (entry && nowMs - entry.lastMs < windowMs) {
      entry.count++
      entry.last = timestamp(clock)
      entry.message = text
    } else {
      const now = timestamp(clock)
      entry = { about, type, reason, message: text, count: 1, first: now, last: now, lastMs: nowMs, queued: false }
    }
    entry.lastMs = nowMs
    entries.set(id, entry)
    forgetOldest(entries, rememberedEntries)
    if (entry.queued) return
    if (queue.length >= waitingEntries) {
      // Once is enough: in a flood the log must not be the next to drown.
      if (!dropped++) log.warn({ reason, object: keyText(keyOf(about)) }, 'events dropped, too many wait to be written')
      return
    }
    entry.queued = true
    queue.push(entry)
    startWriters()
  }

  function startWriters(): void {
    const limit = options.busy?.() ? 1 : writers
    for (let more = Math.min(limit - busy, queue.length); more > 0; more--) void drain()
    if (limit === 1 && queue.length && !checking) checkLater()
  }

  function checkLater(): void {
    checking = true
    clock.schedule(busyCheckMs, () => {
      checking = false
      startWriters()
    })
  }

  function combine(group: string, message: string, nowMs: number): boolean {
    let seen = messages.get(group)
    messages.delete(group)
    if (!seen || nowMs - seen.sinceMs > windowMs) seen = { texts: new Set(), sinceMs: nowMs }
    messages.set(group, seen)
    forgetOldest(messages, rememberedEntries)
    if (seen.texts.has(message)) return false
    if (seen.texts.size >= distinctMessages) return true
    seen.texts.add(message)
    return false
  }

  async function drain(): Promise<void> {
    busy++
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      entry.queued = false
      await persist(entry)
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
            { error: explain(error), reason: entry.reason, object: keyText(keyOf(entry.about)) },
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
    const { about, type, reason, first: firstTimestamp } = entry
    const { namespace, name, uid, resourceVersion } = about.metadata
    const id = Buffer.from(random.bytes(8)).toString('hex')
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
    normal: (about, reason, message) => record(about, 'Normal', reason, message),
    warning: (about, reason, message) => record(about, 'Warning', reason, message),
    flush: () => (busy ? new Promise(resolve => idle.push(resolve)) : Promise.resolve()),
  }
}

function forgetOldest(map: Map<string, unknown>, limit: number): void {
  if (map.size > limit) map.delete(map.keys().next().value!)
}
