import { quantityToNumber } from '../base/quantity.ts'
import type { Container, ContainerStatus, Pod } from '../models/types/core-v1.ts'

type Requests = Record<string, string>

/**
 * The pod as it counts on its node. A container that is being resized takes the more of what it asks for and what it has, or
 * what it has if its node can never give it more.
 * @returns the pod itself while no container is being resized
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export function resizedPod(pod: Pod): Pod {
  const { containerStatuses, resize } = pod.status ?? {}
  if (!containerStatuses?.some(status => status.resources?.requests)) return pod
  let changed = false
  const containers = pod.spec.containers.map(container => {
    const requests = countedRequests(container, containerStatuses, resize === 'Infeasible')
    if (!requests) return container
    changed = true
    return { ...container, resources: { ...container.resources, requests } }
  })
  return changed ? { ...pod, spec: { ...pod.spec, containers } } : pod
}

/** @returns undefined where they are as asked for */
function countedRequests(container: Container, statuses: readonly ContainerStatus[], infeasible: boolean) {
  const has = statuses.find(({ name }) => name === container.name)?.resources?.requests
  const asked = container.resources?.requests ?? {}
  if (!has || !differ(asked, has)) return undefined
  if (infeasible) return has
  const more: Requests = { ...asked }
  for (const [name, amount] of Object.entries(has))
    if (!(name in more) || quantityToNumber(amount) > quantityToNumber(more[name]!)) more[name] = amount
  return more
}

function differ(one: Requests, other: Requests): boolean {
  const names = Object.keys(one)
  return names.length !== Object.keys(other).length || names.some(name => one[name] !== other[name])
}
