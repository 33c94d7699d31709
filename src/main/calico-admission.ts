import type { Admission, AdmissionPlugin } from '../apiserver/index.ts'
import { invalidError } from '../models/api-error.ts'
import { type FieldError, invalid } from '../models/field-error.ts'
import type { AnyObject } from '../models/object.ts'
import {
  type CalicoKind,
  CalicoNetworkPolicy,
  type CalicoObject,
  calicoGroup,
  GlobalNetworkPolicy,
  IpPool,
  Tier,
} from '../network/index.ts'

const checked = new Map<string, CalicoKind<any>>(
  [IpPool, Tier, GlobalNetworkPolicy, CalicoNetworkPolicy].map(kind => [kind.plural, kind]),
)

/**
 * Calico checks its objects in its own tools, so that whoever writes them with kubectl alone can write what its programs then
 * refuse or misread: pools that overlap, selectors that are none. Here nobody can. What stood already and is not made worse stays.
 */
export const calicoResources: AdmissionPlugin = {
  name: 'CalicoResources',
  handles: ({ kind }, operation, subresource) =>
    kind.group === calicoGroup &&
    checked.has(kind.plural) &&
    (operation === 'CREATE' || operation === 'UPDATE') &&
    subresource === '',
  validate(admission) {
    const { resource, name, object, previous } = admission
    if (object!.metadata.deletionTimestamp) return
    const { check } = checked.get(resource.kind.plural)!
    const others = othersOf(admission)
    const before = new Set(previous ? check!(asCalico(previous), others) : [])
    const faults = check!(asCalico(object!), others).filter(fault => !before.has(fault))
    if (faults.length)
      throw invalidError(
        resource.kind,
        name,
        faults.map(fault => fieldError(object!, fault)),
      )
  },
}

function othersOf({ core, resource, name }: Admission): CalicoObject[] {
  if (resource.namespaced) return []
  const all = core.cache.bucket(resource).list()
  return all.map(kept => asCalico(core.shared(kept))).filter(other => other.metadata.name !== name)
}

/** An object without a spec is checked as one with an empty one. */
const asCalico = (object: AnyObject): CalicoObject => ({ ...object, spec: object['spec'] ?? {} }) as CalicoObject

/** Of `spec.cidr: what is wrong`. */
function fieldError(object: AnyObject, fault: string): FieldError {
  const [, field, detail] = /^([^:\s]+): (.*)$/s.exec(fault) ?? [undefined, 'spec', fault]
  const value = field!
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<any>((at, key) => at?.[key], object)
  return invalid(field!, value, detail!)
}
