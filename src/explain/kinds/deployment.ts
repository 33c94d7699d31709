import { controllerOf } from '../../client/owner.ts'
import { conditionOf, holds } from '../../models/conditions.ts'
import { Deployment } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits } from '../explanation.ts'
import { autoscalerOf, quotaStep, scaledTo, unseen } from './replicas.ts'

export const deployment: Explainer<Deployment> = {
  kind: Deployment,
  summary: ({ spec, status = {} }) => scaledTo(spec.replicas, status.availableReplicas, 'available'),
  async findings(object, ask) {
    const { spec, status = {} } = object
    const found: Finding[] = [...unseen(object)]
    const failure = conditionOf(status.conditions, 'ReplicaFailure')
    if (failure?.status === 'True')
      found.push(stops(`pods cannot be created: ${failure.message}`, quotaStep(failure.message, object)))
    if (spec.paused)
      found.push(
        stops(
          'spec.paused is true: a change of the template starts no rollout',
          `kubectl rollout resume deploy/${object.metadata.name}`,
        ),
      )
    const progressing = conditionOf(status.conditions, 'Progressing')
    if (progressing?.reason === 'ProgressDeadlineExceeded')
      found.push(
        stops(
          `the rollout made no progress for ${spec.progressDeadlineSeconds} s (spec.progressDeadlineSeconds)`,
          `Mend the pods below, or go back: ${wayBack(object)}`,
        ),
      )
    const replicas = spec.replicas ?? 1
    const updated = status.updatedReplicas ?? 0
    if (!spec.paused && replicas > 0 && updated < replicas)
      found.push(waits(`the rollout has replaced ${updated} of ${replicas} pods`))
    const old = (status.replicas ?? 0) - updated
    if (old > 0 && updated >= replicas) found.push(waits(`${old} pods of the template before still end`))
    const available = holds(status.conditions, 'Available')
    if (replicas > 0 && available && (status.availableReplicas ?? 0) < replicas)
      found.push(
        waits('as many are available as spec.strategy asks for (maxUnavailable), so that it counts as Available'),
      )
    return [...found, ...(await autoscalerOf(object, ask))]
  },
}

/** What a Workload made it would make again. */
function wayBack(object: Deployment): string {
  const owner = controllerOf(object)
  return owner?.kind === 'Workload'
    ? `optiflow history workload/${owner.name} says what it was`
    : `kubectl rollout undo deploy/${object.metadata.name}`
}
