import {
  type Client,
  createInformers,
  createReconcilerRunner,
  type InformerSet,
  type Reconciler,
  type ReconcilerRunner,
  type RunnerMetrics,
} from '../client/index.ts'
import { createGarbageCollector, type GarbageCollector } from '../controller/index.ts'
import type { OutsideWorld } from './outside.ts'

export interface RunningControllers extends AsyncDisposable {
  informers: InformerSet
  runner: ReconcilerRunner
  garbageCollector: GarbageCollector
}

export interface ControllersOptions {
  client: Client
  outside: OutsideWorld
  reconcilers: Reconciler[]
  /** Another client for what this reconciler reads and writes by itself. */
  clientOf?: (reconciler: Reconciler) => Client | undefined
  /** Undeclared writes throw, and objects are frozen. For tests. */
  strict?: boolean
  /** Of the queues. */
  metrics?: RunnerMetrics
  /** The garbage collector could not read which kinds there are. */
  onSyncError?: () => void
}

/** All reconcilers and the garbage collector over one set of informers. Resolves when they work. */
export async function startControllers(options: ControllersOptions): Promise<RunningControllers> {
  const { client, reconcilers, strict = false } = options
  const { clock, random } = options.outside
  const log = options.outside.log.child({ part: 'controller' })
  const informers = createInformers({ client, clock, random, log, freeze: strict })
  const runner = createReconcilerRunner({
    ...{ client, informers, clock, random, log, reconcilers, strict },
    ...(options.metrics ? { metrics: options.metrics } : {}),
    ...(options.clientOf ? { clientOf: options.clientOf } : {}),
  })
  const garbageCollector = createGarbageCollector({
    ...{ client, informers, clock, random, log },
    ...(options.onSyncError ? { onSyncError: options.onSyncError } : {}),
  })
  await Promise.all([runner.start(), garbageCollector.start()])
  return {
    informers,
    runner,
    garbageCollector,
    async [Symbol.asyncDispose]() {
      await Promise.all([runner.stop(), garbageCollector.stop()])
      await informers[Symbol.asyncDispose]()
    },
  }
}
