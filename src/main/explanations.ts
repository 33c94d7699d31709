import type { ApiServer } from '../apiserver/index.ts'
import { createClient, inProcessTransport } from '../client/index.ts'
import { Pod } from '../models/kinds/index.ts'
import type { Scheduler } from '../scheduler/index.ts'
import { schedulerUser } from './identities.ts'
import type { OutsideWorld } from './outside.ts'
import { type RunningScheduler, startScheduler } from './scheduling.ts'

export type { Explanation } from '../scheduler/index.ts'

/** Who answers `pods/NAME/explanation`: the scheduler of this process, else one that only watches, made when first asked. */
export interface Explanations extends AsyncDisposable {
  /** @returns ends it: that scheduler no longer runs here */
  use(scheduler: Scheduler): () => void
}

/** @param configuration of the scheduler: explanations are by its rules */
export function serveExplanations(api: ApiServer, outside: OutsideWorld, configuration?: string): Explanations {
  let running: Scheduler | undefined
  let watching: Promise<RunningScheduler> | undefined
  const watch = () => {
    const client = createClient(inProcessTransport(api.handler, schedulerUser))
    const started = startScheduler({ client, outside, configuration, watchOnly: true })
    // Whoever asks next tries again.
    started.catch(() => (watching = undefined))
    return started
  }
  api.core.views.set('optiflow.dev/v1/pods/explanation', {
    kind: Pod,
    async answer(object) {
      const scheduler = running ?? (await (watching ??= watch())).scheduler
      return scheduler.explain(object as unknown as Pod)
    },
  })
  return {
    use(scheduler) {
      running = scheduler
      return () => {
        if (running === scheduler) running = undefined
      }
    },
    async [Symbol.asyncDispose]() {
      api.core.views.delete('optiflow.dev/v1/pods/explanation')
      await (await watching?.catch(() => undefined))?.[Symbol.asyncDispose]()
    },
  }
}
