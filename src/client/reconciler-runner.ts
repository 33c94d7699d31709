import { type Clock, sleep } from '../base/clock.ts'
import { explain, isAbort, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { isConflict } from '../models/api-error.ts'
import { keyOf, keyText, parseKey } from '../models/object.ts'
import { createCache } from './cache.ts'
import type { Client } from './client.ts'
import { declaredWritesOnly, refuseTwoOwners } from './declared-writes.ts'
import { createEventRecorder } from './event-recorder.ts'
import type { EventRecorder } from './events.ts'
import type { InformerSet } from './informer.ts'
import type { Reconciler, World } from './reconciler.ts'
import { type ReconcilerGraph, reconcilerGraph } from './reconciler-graph.ts'
import { WorkQueue } from './work-queue.ts'

export interface ReconcilerRunnerOptions {
  client: Client
  informers: InformerSet
  clock: Clock
  random: Random
  log: Logger
  reconcilers: Reconciler[]
  /** Another client for what this reconciler reads and writes by itself; `client` where it says undefined. */
  clientOf?: (reconciler: Reconciler) => Client | undefined
  /** An undeclared write throws UndeclaredWrite. True in tests. */
  strict?: boolean
  metrics?: RunnerMetrics
}

export interface RunnerMetrics {
  /** Once for each queue. @param inWorkMs tells how long each key in work has been worked on by then */
  opened?(reconciler: string, inWorkMs: () => number[]): void
  reconciled?(reconciler: string, outcome: 'done' | 'again' | 'failed', durationMs: number): void
  depth?(reconciler: string, keys: number): void
  waited?(reconciler: string, ms: number): void
}

export interface ReconcilerStats {
  reconciled: number
  failed: number
  /** Keys that wait now. */
  depth: number
  /** Of the latest failure. */
  lastError: string | undefined
}

export interface ReconcilerRunner extends AsyncDisposable {
  /** Waits for the caches, then works. Resolves when the workers run. */
  start(): Promise<void>
  /** Resolves when everything in work is finished; nothing is taken any more. */
  stop(): Promise<void>
  graph(): ReconcilerGraph
  stats(): Record<string, ReconcilerStats>
  /** True when no reconciler has anything to do, now or later. */
  idle: boolean
  /** Looks at a key now, as if it had changed. */
  enqueue(reconciler: string, key: string): void
}

/** Keys after which a worker lets the event loop turn. */
const breatherEvery = 128

interface Running {
  reconciler: Reconciler
  queue: WorkQueue
  world: World
  stats: ReconcilerStats
}

/**
 * Runs reconcilers, one queue each: changes of watched kinds become keys, failures come again with back-off.
 * @throws TwoOwners when two of them own the status of one kind
 */
export function createReconcilerRunner(options: ReconcilerRunnerOptions): ReconcilerRunner {
  const { client, informers, clock, random, reconcilers } = options
  refuseTwoOwners(reconcilers)
  const names = new Set(reconcilers.map(r => r.name))
  if (names.size < reconcilers.length) throw new OptiFlowError('two reconcilers have one name')

  const stop = new AbortController()
  const cache = createCache(informers)
  const recorders: EventRecorder[] = []
  const running = new Map<string, Running>(reconcilers.map(r => [r.name, prepare(r)]))
  const subscriptions: (() => void)[] = []
  let workers: Promise<void>[] = []
  let started: Promise<void> | undefined

  function prepare(reconciler: Reconciler): Running {
    const { name } = reconciler
    const log = options.log.child({ reconciler: name })
    const events = createEventRecorder({
      client,
      clock,
      random,
      log,
      component: reconciler.eventsFrom ?? `${name}-controller`,
    })
    recorders.push(events)
    const queue = new WorkQueue({
      clock,
      metrics: {
        depth: keys => options.metrics?.depth?.(name, keys),
        waited: ms => options.metrics?.waited?.(name, ms),
      },
    })
    options.metrics?.opened?.(name, () => queue.inWorkMs)
    const given = options.clientOf?.(reconciler) ?? client
    const own = options.strict ? declaredWritesOnly(given, reconciler) : given
    const world: World = { cache, client: own, events, clock, random, log, signal: stop.signal }
    return { reconciler, queue, world, stats: { reconciled: 0, failed: 0, depth: 0, lastError: undefined } }
  }

  function subscribe({ reconciler, queue }: Running): void {
    const primary = informers.for(reconciler.primary)
    const addPrimary = (object: any, old = object) => {
      if (!reconciler.concerns || reconciler.concerns(object) || reconciler.concerns(old))
        queue.add(keyText(keyOf(object)))
    }
    subscriptions.push(primary.subscribe({ added: addPrimary, updated: addPrimary, deleted: addPrimary }))
    for (const watch of reconciler.watches ?? []) {
      const add = (object: any) => {
        for (const key of watch.keys(object, cache)) queue.add(keyText(key))
      }
      const updated = (object: any, old: any) => {
        add(old)
        add(object)
      }
      subscriptions.push(informers.for(watch.kind).subscribe({ added: add, updated, deleted: add }))
    }
    for (const source of reconciler.sources ?? [])
      subscriptions.push(
        source.subscribe(() => {
          for (const key of source.keys(cache)) queue.add(keyText(key))
        }),
      )
  }

  async function work({ reconciler, queue, world, stats }: Running): Promise<void> {
    let round = 0
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      // Against a server in this process a loop of promises alone would let nothing else happen, no signal and no timer.
      if (++round % breatherEvery === 0) await new Promise<void>(resolve => setImmediate(resolve))
      const began = clock.monotonicMs()
      let outcome: 'done' | 'again' | 'failed' = 'done'
      try {
        const again = await reconciler.reconcile(parseKey(key), world)
        queue.forget(key)
        if (again) {
          outcome = 'again'
          queue.addAfter(key, again.afterMs)
        }
      } catch (error) {
        if (stop.signal.aborted && isAbort(error)) return
        outcome = 'failed'
        report(world.log, key, error, queue.retry(key), stats)
      } finally {
        queue.done(key)
      }
      stats.reconciled++
      options.metrics?.reconciled?.(reconciler.name, outcome, clock.monotonicMs() - began)
    }
  }

  async function begin(): Promise<void> {
    for (const one of running.values()) {
      informers.for(one.reconciler.primary)
      for (const watch of one.reconciler.watches ?? []) informers.for(watch.kind)
    }
    await informers.ready(stop.signal)
    for (const one of running.values()) subscribe(one)
    workers = [...running.values()].flatMap(one =>
      Array.from({ length: one.reconciler.concurrency ?? 4 }, () => work(one)),
    )
  }

  async function end(): Promise<void> {
    if (stop.signal.aborted) return
    stop.abort(new DOMException('the runner was stopped', 'AbortError'))
    for (const unsubscribe of subscriptions) unsubscribe()
    for (const { queue } of running.values()) queue.close()
    await Promise.all(workers)
    // An unreachable server must not hold up the end of the process for the sake of its events.
    const giveUp = new AbortController()
    const patience = sleep(clock, 2_000, giveUp.signal).catch(() => {})
    await Promise.race([Promise.all(recorders.map(r => r.flush())), patience])
    giveUp.abort()
  }

  return {
    start: () => (started ??= begin()),
    stop: end,
    [Symbol.asyncDispose]: end,
    graph: () => reconcilerGraph(reconcilers),
    stats: () =>
      Object.fromEntries([...running].map(([name, one]) => [name, { ...one.stats, depth: one.queue.depth }])),
    get idle() {
      return [...running.values()].every(one => one.queue.idle)
    },
    enqueue: (name, key) => running.get(name)?.queue.add(key),
  }
}

function report(log: Logger, key: string, error: unknown, delayMs: number, stats: ReconcilerStats): void {
  stats.failed++
  stats.lastError = explain(error)
  const fields = { key, error: stats.lastError, againInMs: Math.round(delayMs) }
  // Somebody else wrote first: normal between reconcilers, the next look sees the newer state.
  if (isConflict(error)) log.debug(fields, 'lost a write, looking again')
  else log.warn(fields, 'reconcile failed, trying again')
}
