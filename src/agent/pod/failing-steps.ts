import { explain } from '../../base/errors.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { isRuntimeAway } from '../../runtime/runtime.ts'
import type { Action } from './decision.ts'
import type { NodeContext } from './node-context.ts'
import { StepFailed } from './step-failed.ts'

/** The third try in a row is told of: what fails once is often over by the next. */
const triesUntold = 2

/**
 * Tells on the pod that a step of its end, or of the clearing away of what ended, fails again and again. Nothing else that people
 * see would say so: a pod whose old container stays has no new one. Steps that begin something tell their failures themselves.
 * @param failed how often in a row, this time included
 */
export function tellFailure(
  { events }: Pick<NodeContext, 'events'>,
  pod: Pod,
  action: Action,
  error: unknown,
  failed: number,
): void {
  const what = whatFails(action)
  if (!what || failed <= triesUntold || error instanceof StepFailed || isRuntimeAway(error)) return
  events.warning(
    pod,
    action.type === 'tearDownVolumes' ? 'FailedUnMount' : 'FailedKillPod',
    `${what}, tried ${failed} times: ${explain(error)}`,
  )
}

function whatFails(action: Action): string | undefined {
  switch (action.type) {
    case 'kill':
      return `Container ${action.container} cannot be ended`
    case 'stopSandbox':
      return "The pod's sandbox cannot be ended"
    case 'removeContainer':
      return 'A container that has ended cannot be removed'
    case 'removeSandbox':
      return 'A sandbox that has ended cannot be removed'
    case 'tearDownVolumes':
      return 'Volumes cannot be taken away'
    default:
      return undefined
  }
}
