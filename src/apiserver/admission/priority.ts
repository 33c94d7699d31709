import { Pod, PriorityClass } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { type Admission, type AdmissionPlugin, forbidden } from './chain.ts'

/** Turns a pod's priority class into its number. */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  handles: (resource, operation, subresource) => resource.kind === Pod && operation === 'CREATE' && subresource === '',
  mutate(admission) {
    const spec = admission.object!['spec'] ?? {}
    const chosen = spec.priorityClassName ? named(admission, spec.priorityClassName) : globalDefault(admission)
    if (chosen) spec.priorityClassName = chosen.metadata.name
    const value: number = chosen?.['value'] ?? 0
    if (spec.priority !== undefined && spec.priority !== value)
      throw forbidden(
        admission,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      )
    spec.priority = value
    const policy: string = chosen?.['preemptionPolicy'] ?? 'PreemptLowerPriority'
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
      throw forbidden(
        admission,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      )
    spec.preemptionPolicy = policy
  },
}

function named(admission: Admission, name: string): AnyObject {
  const { core } = admission
  const kept = core.cache.get(core.resources.of(PriorityClass), undefined, name)
  if (!kept) throw forbidden(admission, `no PriorityClass with name ${name} was found`)
  return core.shared(kept)
}

/** The class for pods that name none; of several the lowest, as upstream chooses. */
function globalDefault({ core }: Admission): AnyObject | undefined {
  let found: AnyObject | undefined
  for (const kept of core.cache.bucket(core.resources.of(PriorityClass)).list()) {
    const candidate = core.shared(kept)
    if (candidate['globalDefault'] && (!found || candidate['value'] < found['value'])) found = candidate
  }
  return found
}
