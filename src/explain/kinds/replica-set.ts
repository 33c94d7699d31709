import { controllerOf } from '../../client/owner.ts'
import { conditionOf } from '../../models/conditions.ts'
import { ReplicaSet } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, well } from '../explanation.ts'
import { autoscalerOf, quotaStep, scaledTo, unseen } from './replicas.ts'

export const replicaSet: Explainer<ReplicaSet> = {
  kind: ReplicaSet,
  summary: ({ spec, status }) => scaledTo(spec.replicas, status?.availableReplicas, 'available'),
  async findings(object, ask) {
    const found: Finding[] = [...unseen(object)]
    const failure = conditionOf(object.status?.conditions, 'ReplicaFailure')
    if (failure?.status === 'True')
      found.push(stops(`pods cannot be created: ${failure.message}`, quotaStep(failure.message, object)))
    const owner = controllerOf(object)
    if (owner) found.push(well(`${owner.kind} ${owner.name} decides how many replicas it has`))
    return [...found, ...(await autoscalerOf(object, ask))]
  },
}
