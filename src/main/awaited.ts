import type { Clock } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { Client, ReconcilerStats } from '../client/index.ts'
import { asking } from '../explain/asking.ts'
import { explainObject } from '../explain/explain.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { type AnyObject, type KubeObject, keyText, type ObjectKey } from '../models/object.ts'

/** An object did not become what was waited for. */
export class NotInTime extends OptiFlowError {}

export interface Waiting {
  /** By the clock of the control plane; 30 000 unless given. */
  timeoutMs?: number
}

export interface Awaited<T extends KubeObject> extends Waiting {
  kind: Kind<T>
  key: ObjectKey
  /** For people: `as awaited`. */
  wanted: string
  /** Asked at each change, of undefined while there is none. True: so it is. What it throws is evidence, and it is asked again. */
  is(object: T | undefined): boolean
  client: Client
  clock: Clock
  /** Aborts when nobody answers any more. */
  closing: AbortSignal
  stats(): Record<string, ReconcilerStats>
}

const timeoutUnlessGivenMs = 30_000
/** Virtual time is moved by so much at a time: what is waited for is seen soon after it is so. */
const stepMs = 250
const findingsShown = 3

/**
 * Waits until an object is so. A virtual clock stands still while others wait, so it is moved here.
 * @throws NotInTime with how the object is, why, and which reconcilers failed; the signal's reason
 */
export async function awaited<T extends KubeObject>(options: Awaited<T>): Promise<T | undefined> {
  const { clock, closing, timeoutMs = timeoutUnlessGivenMs } = options
  const late = new AbortController()
  const signal = AbortSignal.any([late.signal, closing])
  const last: Seen = { failedBefore: failuresOf(options.stats()) }
  const found = firstThatIs(options, last, signal)
  const cancel =
    clock instanceof VirtualClock ? moveAlong(clock, timeoutMs, late, found) : limit(clock, timeoutMs, late)
  try {
    return await found
  } catch (cause) {
    if (closing.aborted) throw closing.reason
    if (!late.signal.aborted) throw cause
    throw await notInTime(options, timeoutMs, last)
  } finally {
    cancel()
    late.abort()
  }
}

function limit(clock: Clock, timeoutMs: number, late: AbortController): () => void {
  return clock.schedule(timeoutMs, () => late.abort())
}

function moveAlong(clock: VirtualClock, timeoutMs: number, late: AbortController, found: Promise<unknown>): () => void {
  let over = false
  const end = () => {
    over = true
  }
  found.then(end, end)
  const move = async () => {
    for (let passed = 0; !over && passed < timeoutMs; passed += stepMs) await clock.advance(stepMs)
    if (!over) late.abort()
  }
  void move()
  return end
}

/** What the last look found. */
interface Seen {
  /** How often each reconciler had failed when the waiting began: most such failures are long mended. */
  failedBefore: Record<string, number>
  object?: AnyObject | undefined
  error?: unknown
}

async function firstThatIs<T extends KubeObject>(
  { kind, key, client, is }: Awaited<T>,
  last: Seen,
  signal: AbortSignal,
): Promise<T | undefined> {
  const holds = (object: T | undefined) => {
    last.object = object as AnyObject | undefined
    last.error = undefined
    try {
      return is(object)
    } catch (error) {
      last.error = error
      return false
    }
  }
  const only = {
    fieldSelector: `metadata.name=${key.name}`,
    ...(key.namespace === undefined ? {} : { namespace: key.namespace }),
  }
  for (;;) {
    const { items, metadata } = await client.list(kind, { ...only, signal })
    if (holds(items[0])) return items[0]
    try {
      for await (const { type, object } of client.watch(kind, {
        ...{ ...only, signal },
        resourceVersion: metadata.resourceVersion!,
      })) {
        const now = type === 'DELETED' ? undefined : object
        if (type !== 'BOOKMARK' && holds(now)) return now
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || error.code !== 410) throw error
    }
    signal.throwIfAborted()
  }
}

const failuresOf = (stats: Record<string, ReconcilerStats>) =>
  Object.fromEntries(Object.entries(stats).map(([name, { failed }]) => [name, failed]))

async function notInTime<T extends KubeObject>(options: Awaited<T>, timeoutMs: number, last: Seen): Promise<NotInTime> {
  const { kind, key, wanted, client, clock, stats } = options
  const name = `${kind.kind} ${keyText(key)}`
  const [summary, next] = await stateOf(client, clock, last.object)
  const failures = Object.entries(stats())
    .filter(([reconciler, { failed }]) => failed > (last.failedBefore[reconciler] ?? 0))
    .map(([reconciler, { lastError }]) => `reconciler ${reconciler} failed: ${lastError}`)
  const said = last.error === undefined ? [] : [`the last look said: ${explain(last.error)}`]
  const evidence = [summary, ...said, ...failures].join('\n  ')
  return new NotInTime(`${name} was not ${wanted} within ${timeoutMs / 1000} s:\n  ${evidence}`, {
    ...(last.error === undefined ? {} : { cause: last.error }),
    hint: next ?? 'See what happened to it with history(kind, key), or wait for longer with { timeoutMs }.',
  })
}

/** How it is, and one thing to do about it. */
async function stateOf(
  client: Client,
  clock: Clock,
  object: AnyObject | undefined,
): Promise<[summary: string, next?: string]> {
  if (!object)
    return ['there is none', 'Create it, or see who is to: a reconciler that is not among those given does nothing.']
  try {
    const { summary, findings } = await explainObject(object, asking(client, clock.now()))
    const shown = findings.filter(({ mark }) => mark !== 'well').slice(0, findingsShown)
    const next = shown.find(finding => finding.next)?.next
    return [[summary, ...shown.map(({ text }) => text)].join('\n  '), ...(next ? [next] : [])] as [string, string?]
  } catch (error) {
    return [isNotFound(error) ? 'it is gone' : `it cannot be explained: ${explain(error)}`]
  }
}
