import { type Client, createEventRecorder, createInformers } from '../client/index.ts'
import { createScheduler, type Scheduler } from '../scheduler/index.ts'
import type { OutsideWorld } from './outside.ts'

export interface RunningScheduler extends AsyncDisposable {
  scheduler: Scheduler
}

/** The scheduler with informers of its own. Resolves when it places pods. */
export async function startScheduler({
  client,
  outside,
}: {
  client: Client
  outside: OutsideWorld
}): Promise<RunningScheduler> {
  const { clock, random } = outside
  const log = outside.log.child({ part: 'scheduler' })
  const informers = createInformers({ client, clock, random, log })
  let scheduler: Scheduler | undefined
  const busy = () => scheduler?.busy() ?? false
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler', busy })
  scheduler = createScheduler({ client, informers, clock, random, log, events })
  await scheduler.start()
  return {
    scheduler,
    async [Symbol.asyncDispose]() {
      await scheduler[Symbol.asyncDispose]()
      await informers[Symbol.asyncDispose]()
    },
  }
}
