import { conditionOf, holds } from '../../models/conditions.ts'
import { Workload } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits } from '../explanation.ts'
import { unseen } from './replicas.ts'

export const workload: Explainer<Workload> = {
  kind: Workload,
  summary({ status }) {
    const is = holds(status?.conditions, 'Ready') ? 'it is ready' : 'it is not ready'
    return status?.message ? `${is}: ${status.message}` : is
  },
  findings(object) {
    const { metadata, status } = object
    const found: Finding[] = [...unseen(object)]
    const back = conditionOf(status?.conditions, 'RolledBack')
    if (back?.status === 'True')
      found.push(stops(`${back.message}`, `Change what is wrong with it, or: optiflow rollout retry ${metadata.name}`))
    const ready = conditionOf(status?.conditions, 'Ready')
    if (!ready || ready.status === 'True') return found
    // Its message is that of the whole, which is said already.
    const text = ready.reason ?? 'Ready is False'
    return [...found, holds(status?.conditions, 'Progressing') ? waits(text) : stops(text)]
  },
}
