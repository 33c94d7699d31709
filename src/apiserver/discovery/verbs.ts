import type { Resource } from '../resources.ts'

/** As kube-apiserver names those of custom resources. */
const customOrder = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']

/** The verbs of a resource in the order in which clients are used to see them. */
export function verbsOf({ kind, verbs }: Resource): string[] {
  const sorted = [...verbs].sort()
  return kind.custom ? sorted.sort((a, b) => customOrder.indexOf(a) - customOrder.indexOf(b)) : sorted
}
