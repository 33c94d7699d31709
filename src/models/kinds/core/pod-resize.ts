import { sameMeaning } from '../../../base/equality.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported } from '../../field-error.ts'
import type { Container, ContainerResizePolicy, Pod, PodSpec } from '../../types/core-v1.ts'
import { podQosClass, qosOf } from './pod-qos.ts'

// A pod's containers may get more or less CPU and memory while they run, by way of `pods/resize`. The API server notes
// the wish in status.resize; the agent answers there, and in the resources of status.containerStatuses.

const resizable = ['cpu', 'memory']
const policies = ['NotRequired', 'RestartContainer']

/**
 * Takes over what a resize may bring: resources and resize policies of the containers that there are. Notes the wish when
 * one of them has changed. Changes `pod`.
 */
export function takeResize(pod: Pod, wanted: PodSpec): void {
  const changed = pod.spec.containers.filter(container => {
    const next = wanted.containers.find(c => c.name === container.name)
    if (!next) return false
    const before = container.resources
    container.resources = next.resources ?? {}
    if (next.resizePolicy) container.resizePolicy = next.resizePolicy
    else delete container.resizePolicy
    return !sameMeaning(container.resources, before ?? {})
  })
  if (changed.length) pod.status = { ...pod.status, resize: 'Proposed' }
}

/** What a resized pod may not have become. @see https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/ */
export function checkResize(next: Pod, previous: Pod): FieldError[] {
  if (previous.metadata.annotations?.['kubernetes.io/config.mirror'])
    return [forbidden('metadata', 'static pods cannot be resized')]
  if (previous.spec.os?.name === 'windows') return [forbidden('spec', 'windows pods cannot be resized')]
  const errors: FieldError[] = []
  // A node that says nothing of its containers' resources does not know how.
  const running = previous.status?.containerStatuses?.find(({ state }) => state?.running)
  if (running && !running.resources) errors.push(forbidden('spec', 'Pod running on node without support for resize'))
  const qos = podQosClass(next.spec)
  if (qos !== qosOf(previous)) errors.push(invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing'))
  for (const [i, container] of next.spec.containers.entries())
    errors.push(...checkResources(`spec.containers[${i}].resources`, container, previous.spec.containers[i]!))
  return errors
}

function checkResources(field: string, { resources: next }: Container, { resources: old }: Container): FieldError[] {
  const errors: FieldError[] = []
  for (const which of ['requests', 'limits'] as const) {
    const [before, after] = [old?.[which] ?? {}, next?.[which] ?? {}]
    if (resizable.some(name => Object.hasOwn(before, name) && !Object.hasOwn(after, name)))
      errors.push(forbidden(`${field}.${which}`, `resource ${which} cannot be removed`))
    // Where there was no list at all, Kubernetes does not look what is in the new one.
    if (old?.[which] && !sameMeaning(others(before), others(after)))
      errors.push(forbidden('spec', 'only cpu and memory resources are mutable'))
  }
  if (!sameMeaning(next?.claims ?? [], old?.claims ?? []))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable'))
  return errors
}

const others = (list: Record<string, string>) =>
  Object.fromEntries(Object.entries(list).filter(([name]) => !resizable.includes(name)))

/** Whether a container must be started anew for a change of CPU or of memory. */
export function checkResizePolicies(field: string, resizePolicy: ContainerResizePolicy[], spec: PodSpec): FieldError[] {
  const known = new Set<string>()
  return resizePolicy.flatMap(({ resourceName, restartPolicy }, i) => {
    const errors: FieldError[] = []
    const at = `${field}[${i}]`
    if (known.has(resourceName)) errors.push(duplicate(at, resourceName))
    known.add(resourceName)
    if (!resizable.includes(resourceName)) errors.push(notSupported(`${at}.resourceName`, resourceName, resizable))
    if (!policies.includes(restartPolicy)) errors.push(notSupported(`${at}.restartPolicy`, restartPolicy, policies))
    else if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(
        invalid(`${at}.restartPolicy`, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"),
      )
    return errors
  })
}
