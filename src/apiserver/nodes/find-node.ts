import { ApiError, badRequest, notFoundError } from '../../models/api-error.ts'
import { Node, Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core, ResourceCall } from '../core.ts'
import type { NodeAddress } from './node-dialer.ts'

/** The agent of the node that a pod runs on. @throws ApiError */
export function nodeOfPod(call: ResourceCall): { pod: AnyObject; node: NodeAddress } {
  const { core, path } = call
  const pod = podOf(call)
  const name: string | undefined = pod['spec']?.nodeName
  if (!name) throw badRequest(`pod ${path.name} does not have a host assigned`)
  return { pod, node: nodeAddress(core, name) }
}

/** @throws ApiError NotFound */
export function podOf({ core, path }: ResourceCall): AnyObject {
  const kept = core.cache.get(core.resources.of(Pod), path.namespace, path.name!)
  if (!kept) throw notFoundError(Pod, path.name!)
  return core.shared(kept)
}

/** @throws ApiError NotFound, 500 when it has no address, ServiceUnavailable when its agent has not said where it listens */
export function nodeAddress(core: Core, name: string): NodeAddress {
  const kept = core.cache.get(core.resources.of(Node), undefined, name)
  if (!kept) throw notFoundError(Node, name)
  const { status } = core.shared(kept) as {
    status?: { addresses?: { type: string; address: string }[]; daemonEndpoints?: any }
  }
  const byType = (type: string) => status?.addresses?.find(a => a.type === type)?.address
  const host = byType('InternalIP') ?? byType('ExternalIP') ?? byType('Hostname')
  const port: number | undefined = status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (!host) {
    const known = (status?.addresses ?? []).map(a => `{${a.type} ${a.address}}`).join(' ')
    throw new ApiError('', `no preferred addresses found; known addresses: [${known}]`, { code: 500 })
  }
  if (!port)
    throw new ApiError('ServiceUnavailable', `node ${name} has not said where its agent listens; is its agent running?`)
  return { name, host, port }
}

/** The container that is asked for, or the only one, or the annotated default. @throws ApiError BadRequest */
export function chooseContainer(pod: AnyObject, wanted: string | null): string {
  const lists: { name: string }[][] = ['containers', 'initContainers', 'ephemeralContainers'].map(
    f => pod['spec']?.[f] ?? [],
  )
  const all = lists.flat().map(c => c.name)
  if (wanted) {
    if (!all.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`)
    return wanted
  }
  const [containers = [], init = []] = lists
  if (containers.length === 1) return containers[0]!.name
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  if (annotated && all.includes(annotated)) return annotated
  const names = containers.map(c => c.name).join(' ')
  const initNames = init.length ? ` or one of the init containers: [${init.map(c => c.name).join(' ')}]` : ''
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names}]${initNames}`,
  )
}
