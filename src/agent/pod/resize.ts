import { canonicalQuantity } from '../../base/quantity.ts'
import type { Container, Pod, PodStatus, ResourceRequirements } from '../../models/types/core-v1.ts'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { isRunning, newest, type Records, type Situation } from './records.ts'

/** What may change while a container runs. */
const resizable = ['cpu', 'memory'] as const
type Resizable = (typeof resizable)[number]

/** Where a container remembers what it was started with. */
export const startedWith = 'optiflow.dev/resources'

/** The resources that the node has agreed to, which lag behind the pod's definition while it decides. */
export const allocatedOf = (records: Records, container: Container): ResourceRequirements =>
  records.allocated.get(container.name) ?? container.resources ?? {}

/** What a running container has now. */
export function actualOf(records: Records, container: Container, running: ObservedContainer): ResourceRequirements {
  const applied = records.applied.get(running.id)
  if (applied) return applied
  const text = running.annotations[startedWith]
  return text ? (JSON.parse(text) as ResourceRequirements) : allocatedOf(records, container)
}

/** The pod as the node has agreed to it. */
export function allocatedPod(pod: Pod, records: Records): Pod {
  if (!records.allocated.size) return pod
  const containers = pod.spec.containers.map(c => ({ ...c, resources: allocatedOf(records, c) }))
  return { ...pod, spec: { ...pod.spec, containers } }
}

/** True when the pod asks for other resources than the node has agreed to. */
export function wantsResize(pod: Pod, records: Records): boolean {
  return pod.spec.containers.some(c => changes(allocatedOf(records, c), c.resources).length > 0)
}

/** A step towards what was agreed: in place, or by a restart if the container asks for one. */
export type ResizeStep = { container: Container; running: ObservedContainer; restart: boolean }

/** What to do so that running containers have what was agreed. Pure. */
export function resizeSteps({ pod, observed, records }: Situation): ResizeStep[] {
  return pod.spec.containers.flatMap(container => {
    const running = newest(observed, container.name)
    if (!isRunning(running)) return []
    const changed = changes(actualOf(records, container, running), allocatedOf(records, container))
    if (!changed.length) return []
    const restart = changed.some(
      name => container.resizePolicy?.find(p => p.resourceName === name)?.restartPolicy === 'RestartContainer',
    )
    return [{ container, running, restart }]
  })
}

/** How far a resize has come, as 1.32 tells it. */
export function resizeStatus(situation: Situation): PodStatus['resize'] {
  const { pod, records } = situation
  if (records.resize) return records.resize
  if (resizeSteps(situation).length || isRestarting(situation)) return 'InProgress'
  return wantsResize(pod, records) ? 'Proposed' : undefined
}

/** A container was ended for other resources, and the next does not run yet. */
function isRestarting({ pod, observed, records }: Situation): boolean {
  return pod.spec.containers.some(({ name }) => {
    const last = newest(observed, name)
    if (!last || isRunning(last)) return false
    const before = observed!.containers.find(c => c.name === name && c.attempt === last.attempt - 1)
    return records.resized.has(last.id) || (last.state === 'created' && before && records.resized.has(before.id))
  })
}

/** What a container's status tells of its resources. */
export function resourceStatus({ records }: Situation, container: Container, last: ObservedContainer | undefined) {
  const allocated = allocatedOf(records, container)
  const actual = isRunning(last) ? actualOf(records, container, last) : allocated
  const { requests } = allocated
  return {
    ...(requests && Object.keys(requests).length ? { allocatedResources: requests } : {}),
    // Told even when it is nothing: by that the API knows that this node can change it.
    resources: actual,
  }
}

/** At a restart of the agent: what was reported is what the node had agreed to. */
export function allocatedBefore({ spec, status }: Pod): Records['allocated'] {
  const out: Records['allocated'] = new Map()
  for (const { name, resources } of spec.containers) {
    const known = status?.containerStatuses?.find(s => s.name === name)?.resources
    out.set(name, known ?? resources ?? {})
  }
  return out
}

function changes(from: ResourceRequirements | undefined, to: ResourceRequirements | undefined): Resizable[] {
  const text = (list: Record<string, string> | undefined, name: string) =>
    list?.[name] === undefined ? '' : canonicalQuantity(list[name])
  return resizable.filter(
    name =>
      text(from?.requests, name) !== text(to?.requests, name) || text(from?.limits, name) !== text(to?.limits, name),
  )
}
