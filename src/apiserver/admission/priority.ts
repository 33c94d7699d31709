import { Pod, PriorityClass } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'

const systemClasses = ['system-node-critical', 'system-cluster-critical']

/** Turns a pod's priority class into its number; of PriorityClasses at most one is for pods that name none. */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  handles: (resource, operation, subresource) =>
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE'
      ? isOf(resource, Pod, PriorityClass)
      : operation === 'DELETE' && isOf(resource, PriorityClass)),
  mutate(admission) {
    if (!isOf(admission.resource, Pod)) return
    if (admission.operation === 'UPDATE') keepPriority(admission.object!, admission.previous!)
    else setPriority(admission)
  },
  validate(admission) {
    if (!isOf(admission.resource, PriorityClass)) return
    if (admission.operation === 'DELETE') {
      if (systemClasses.includes(admission.name))
        throw forbidden(admission, 'this is a system priority class and cannot be deleted')
      return
    }
    if (!admission.object!['globalDefault']) return
    const known = globalDefault(admission)
    if (known && (admission.operation === 'CREATE' || known.metadata.name !== admission.name))
      throw forbidden(
        admission,
        `PriorityClass ${known.metadata.name} is already marked as default. Only one default can exist`,
      )
  },
}

/** An update that leaves it out means the one that is there. */
function keepPriority(next: AnyObject, before: AnyObject): void {
  for (const field of ['priority', 'preemptionPolicy'])
    if (next['spec'][field] === undefined && before['spec'][field] !== undefined)
      next['spec'][field] = before['spec'][field]
}

function setPriority(admission: Admission): void {
  const spec = (admission.object!['spec'] ??= {})
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
}

function named(admission: Admission, name: string): AnyObject {
  const { core } = admission
  const kept = core.cache.get(core.resources.of(PriorityClass), undefined, name)
  if (!kept) throw forbidden(admission, `no PriorityClass with name ${name} was found`)
  return core.shared(kept)
}

/** The class for pods that name none; of several the lowest, as upstream chooses. */
function globalDefault({ core }: Admission): AnyObject | undefined {
  const classes = core.cache.bucket(core.resources.of(PriorityClass)).list()
  if (!defaults.has(classes)) defaults.set(classes, lowestDefault(core, classes))
  return defaults.get(classes)
}

/** By the list, which is the same one until a class changes. */
const defaults = new WeakMap<readonly KeptObject[], AnyObject | undefined>()

function lowestDefault(core: Core, classes: readonly KeptObject[]): AnyObject | undefined {
  let found: AnyObject | undefined
  for (const kept of classes) {
    const candidate = core.shared(kept)
    if (candidate['globalDefault'] && (!found || candidate['value'] < found['value'])) found = candidate
  }
  return found
}
