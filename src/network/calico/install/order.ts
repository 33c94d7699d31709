import type { AnyObject } from '../../../models/object.ts'

/** What others need comes first; what is not named here comes after the configuration and before the workloads. */
const ranks: Record<string, number> = {
  Namespace: 0,
  CustomResourceDefinition: 1,
  ServiceAccount: 2,
  ClusterRole: 3,
  ClusterRoleBinding: 4,
  Role: 3,
  RoleBinding: 4,
  ConfigMap: 5,
  Secret: 5,
  DaemonSet: 8,
  Deployment: 9,
}
const middle = 7

export interface InstallOrder {
  definitions: AnyObject[]
  /** All that the workloads need. */
  foundations: AnyObject[]
  workloads: AnyObject[]
}

/** Definitions, then what the workloads need, then the workloads: in this order, each in that of its kinds. Pure. */
export function orderObjects(objects: readonly AnyObject[]): InstallOrder {
  const rank = ({ kind }: AnyObject) => ranks[kind] ?? middle
  const sorted = [...objects].sort((a, b) => rank(a) - rank(b))
  const isDefinition = (o: AnyObject) => o.kind === 'CustomResourceDefinition'
  const isWorkload = (o: AnyObject) => rank(o) > middle
  return {
    definitions: sorted.filter(isDefinition),
    foundations: sorted.filter(o => !isDefinition(o) && !isWorkload(o)),
    workloads: sorted.filter(isWorkload),
  }
}
