import { partHandlers } from './part.ts'

/** certificatesigningrequests/NAME/approval: conditions only. */
export const approval = partHandlers('approval', (present, sent) => {
  present['status'] = { ...present['status'], conditions: sent['status']?.conditions ?? [] }
})
