import { silentLogger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { settle, type VirtualClock } from '../../base/virtual-clock.ts'
import { type Client, createInformers, createReconcilerRunner, type Reconciler } from '../../client/index.ts'
import { createGarbageCollector } from '../../controller/index.ts'
import { type Life, mortal } from './life.ts'
import { createView, type View, type ViewOptions } from './view.ts'

export interface ProcessOptions extends Pick<ViewOptions, 'lateMs' | 'at'> {
  client: Client
  clock: VirtualClock
  random: Random
  reconcilers: Reconciler[]
  garbageCollector: boolean
  wrote(process: ControllerProcess): void
}

/** The controllers of one process, from its start with empty caches to its death. */
export interface ControllerProcess {
  life: Life
  view: View
  /** What they failed at last, for messages. */
  lastErrors(): Record<string, string>
  /** Resolves when nothing of it runs any more; time has to pass for that. */
  end(): Promise<void>
}

export async function startProcess(options: ProcessOptions): Promise<ControllerProcess> {
  const { client, clock, random, reconcilers } = options
  const log = silentLogger
  const closed = new AbortController()
  const life: Life = { dead: false, wrote: () => options.wrote(process) }
  const own = mortal(client, life)
  const { lateMs, at } = options
  const view = createView({
    ...{ client: own, clock, signal: closed.signal },
    ...(lateMs ? { lateMs } : {}),
    ...(at ? { at } : {}),
  })
  if (at) view.hold()
  const informers = createInformers({ client: view.client, clock, random, log, freeze: true })
  const runner = createReconcilerRunner({ client: own, informers, clock, random, log, reconcilers, strict: true })
  const collector = options.garbageCollector
    ? createGarbageCollector({ client: own, informers, clock, random, log })
    : undefined
  const process: ControllerProcess = {
    life,
    view,
    lastErrors: () =>
      Object.fromEntries(
        Object.entries(runner.stats()).flatMap(([name, s]) => (s.lastError ? [[name, s.lastError]] : [])),
      ),
    async end() {
      life.dead = true
      closed.abort(new DOMException('the process is dead', 'AbortError'))
      await Promise.all([runner.stop(), collector?.stop()])
      await informers[Symbol.asyncDispose]()
    },
  }
  const starting = Promise.all([runner.start(), collector?.start()])
  await settle()
  await clock.advance(10)
  await starting
  return process
}
