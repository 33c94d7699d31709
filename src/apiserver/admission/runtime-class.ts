import { sameMeaning } from '../../base/equality.ts'
import { Pod, RuntimeClass } from '../../models/kinds/index.ts'
import type * as node from '../../models/types/node-v1.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'
import { mergeTolerations } from './tolerations.ts'

/** A pod takes over what its RuntimeClass says of overhead and of the nodes that can run it. */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: (resource, operation, subresource) => isOf(resource, Pod) && operation === 'CREATE' && subresource === '',
  mutate(admission) {
    const found = classOf(admission)
    if (!found) return
    const spec = admission.object!['spec']
    const overhead = found.overhead?.podFixed
    if (found.overhead) {
      if (spec.overhead && !sameMeaning(spec.overhead, overhead)) throw forbidden(admission, mismatch)
      if (overhead) spec.overhead = { ...overhead }
    }
    if (found.scheduling) schedule(admission, found.scheduling)
  },
  validate(admission) {
    const overhead = admission.object!['spec'].overhead
    const found = classOf(admission)
    if (found?.overhead) {
      if (!sameMeaning(overhead, found.overhead.podFixed)) throw forbidden(admission, mismatch)
    } else if (overhead)
      throw forbidden(admission, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
  },
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

function classOf(admission: Admission): node.RuntimeClass | undefined {
  const { core, object } = admission
  const name: string | undefined = object!['spec']?.runtimeClassName
  if (name === undefined) return undefined
  const kept = core.cache.get(core.resources.of(RuntimeClass), undefined, name)
  if (!kept) throw forbidden(admission, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return core.shared(kept) as unknown as node.RuntimeClass
}

function schedule(admission: Admission, { nodeSelector, tolerations }: node.Scheduling): void {
  const spec = admission.object!['spec']
  const own: Record<string, string> = spec.nodeSelector ?? {}
  for (const [key, value] of Object.entries(nodeSelector ?? {}))
    if (Object.hasOwn(own, key) && own[key] !== value)
      throw forbidden(
        admission,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      )
  if (nodeSelector) spec.nodeSelector = { ...own, ...nodeSelector }
  const merged = mergeTolerations(spec.tolerations ?? [], tolerations ?? [])
  if (merged.length) spec.tolerations = merged
}
