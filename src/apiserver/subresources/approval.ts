import { takeMarks } from '../objects/system-fields.ts'
import { partHandlers } from './part.ts'

/** certificatesigningrequests/NAME/approval: conditions, labels and annotations. */
export const approval = partHandlers('approval', (present, sent) => {
  takeMarks(present, sent)
  present['status'] = { ...present['status'], conditions: sent['status']?.conditions ?? [] }
})
