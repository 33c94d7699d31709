import { type Client, createEventRecorder, createInformers } from '../client/index.ts'
import { createScheduler, type Scheduler, type SchedulerMetrics, type WeightedPlugin } from '../scheduler/index.ts'
import type { OutsideWorld } from './outside.ts'
import { readSchedulerConfiguration } from './scheduler-configuration.ts'

export interface RunningScheduler extends AsyncDisposable {
  scheduler: Scheduler
}

export interface SchedulingOptions {
  client: Client
  outside: OutsideWorld
  /** Path of a KubeSchedulerConfiguration; Kubernetes' default rules unless given. */
  configuration?: string | undefined
  /** Rules besides those of each profile. */
  plugins?: readonly WeightedPlugin[]
  /** Places nothing: it knows the cluster, and can explain. */
  watchOnly?: boolean
  /** Told of each try to place a pod. */
  metrics?: SchedulerMetrics
  /** Called with the scheduler once it works; what it returns is called before it stops. */
  announce?: (scheduler: Scheduler) => () => void
}

/** The scheduler with informers of its own. Resolves when it places pods. */
export async function startScheduler(options: SchedulingOptions): Promise<RunningScheduler> {
  const { client, outside, watchOnly = false } = options
  const { clock, random } = outside
  const log = outside.log.child({ part: 'scheduler' })
  const { profiles: read, extenders } = await readSchedulerConfiguration(outside.disk, options.configuration)
  const { plugins = [] } = options
  const profiles = plugins.length ? read.map(one => ({ ...one, plugins: [...one.plugins, ...plugins] })) : read
  const informers = createInformers({ client, clock, random, log })
  let known: Scheduler | undefined
  const busy = () => known?.busy() ?? false
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler', busy })
  const scheduler = createScheduler({
    ...{ client, informers, clock, random, log, events, profile: profiles, extenders },
    ...(options.metrics ? { metrics: options.metrics } : {}),
  })
  known = scheduler
  await scheduler.start({ watchOnly })
  const retire = options.announce?.(scheduler)
  return {
    scheduler,
    async [Symbol.asyncDispose]() {
      retire?.()
      await scheduler[Symbol.asyncDispose]()
      await informers[Symbol.asyncDispose]()
      await Promise.all(extenders.map(e => e.close()))
    },
  }
}
