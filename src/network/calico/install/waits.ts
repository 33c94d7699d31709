import type { Client } from '../../../client/index.ts'
import { isNotFound } from '../../../models/api-error.ts'
import { CustomResourceDefinition, DaemonSet, Deployment, Pod } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Pod as PodObject } from '../../../models/types/core-v1.ts'

/** Which definitions the API does not serve yet. */
export async function missingDefinitions(client: Client, wanted: readonly AnyObject[]): Promise<string | undefined> {
  const { items } = await client.list(CustomResourceDefinition)
  const established = new Set(
    items
      .filter(d => d.status?.conditions?.some(c => c.type === 'Established' && c.status === 'True'))
      .map(d => d.metadata.name),
  )
  const missing = wanted.filter(d => !established.has(d.metadata.name))
  return missing.length
    ? `${wanted.length - missing.length} of ${wanted.length} served, not yet ${missing[0]!.metadata.name}`
    : undefined
}

/** Which nodes calico-node does not work on yet, and why, as its pods say. */
export async function missingNodes(
  client: Client,
  name: { namespace: string; name: string },
): Promise<string | undefined> {
  const daemon = await client.get(DaemonSet, name)
  const {
    desiredNumberScheduled: wanted = 0,
    numberReady: ready = 0,
    updatedNumberScheduled: updated = 0,
  } = daemon.status ?? {}
  const seen = daemon.status?.observedGeneration === daemon.metadata.generation
  if (seen && wanted > 0 && ready >= wanted && updated >= wanted) return undefined
  const { items } = await client.list(Pod, { namespace: name.namespace, labelSelector: 'k8s-app=calico-node' })
  const trouble = items.map(troubleOf).find(Boolean)
  return `ready on ${Math.min(ready, updated)} of ${wanted} nodes${trouble ? `; ${trouble}` : ''}`
}

/** Undefined: it is ready, or there is none. */
export async function missingReplicas(
  client: Client,
  name: { namespace: string; name: string },
): Promise<string | undefined> {
  try {
    const { status, spec } = await client.get(Deployment, name)
    const [ready, wanted] = [status?.readyReplicas ?? 0, spec.replicas ?? 1]
    return ready >= wanted ? undefined : `${name.name} ready ${ready} of ${wanted}`
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** What keeps a pod from running, in the words of its status: `n1: install-cni waits: ErrImagePull …`. Pure. */
export function troubleOf(pod: PodObject): string | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  for (const { name, state, lastState, restartCount } of [...initContainerStatuses, ...containerStatuses]) {
    const waiting = state?.waiting
    const quiet = waiting?.reason === 'PodInitializing' || waiting?.reason === 'ContainerCreating'
    if (waiting && !quiet)
      return `${pod.spec.nodeName}: ${name} waits: ${waiting.reason}${waiting.message ? `, ${waiting.message}` : ''}`
    const ended = lastState?.terminated
    if (restartCount && ended)
      return `${pod.spec.nodeName}: ${name} ended with ${ended.exitCode}, ${restartCount} times`
  }
  return undefined
}
