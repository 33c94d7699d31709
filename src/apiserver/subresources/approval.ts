import { timestamp } from '../../base/clock.ts'
import { partHandlers } from './part.ts'

interface Condition {
  type: string
  lastUpdateTime?: string
  lastTransitionTime?: string
}

/** certificatesigningrequests/NAME/approval: conditions only. */
export const approval = partHandlers('approval', (present, sent, call) => {
  const now = timestamp(call.core.clock)
  const conditions: Condition[] = sent['status']?.conditions ?? []
  for (const condition of conditions) {
    condition.lastUpdateTime ??= now
    condition.lastTransitionTime ??= now
  }
  present['status'] = { ...present['status'], conditions }
})
