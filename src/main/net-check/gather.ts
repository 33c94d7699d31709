import { explain } from '../../base/errors.ts'
import { canonicalIP, isIP } from '../../base/ip.ts'
import type { Client } from '../../client/index.ts'
import { EndpointSlice, Node, Pod, Service } from '../../models/kinds/index.ts'
import { type NodeNetwork, nodeNetworkPath } from '../../models/node-network.ts'
import {
  type CalicoDatastore,
  type ConnectionQuestion,
  type End,
  type NodeReport,
  readEnd,
  readPolicyWorld,
  splitTarget,
} from '../../network/index.ts'
import { checkPath, nodesOnTheWay, type Target } from './check-path.ts'
import type { CheckedPath } from './stage.ts'

export interface PathSources {
  client: Client
  datastore: CalicoDatastore
  /** Asks the agent of a node. */
  askNode(name: string): Promise<NodeNetwork>
}

/**
 * Reads what there is on the way of a connection and says where it breaks. `to` is a Service (`svc/db:5432`,
 * `svc/shop/db:5432`), a pod or an address. @throws BadEnd
 */
export async function netCheck(
  { client, datastore, askNode }: PathSources,
  { from: source, to: destination, protocol, namespace }: ConnectionQuestion,
): Promise<CheckedPath> {
  const { target, port } = splitTarget(destination)
  const [services, slices, pods, nodes] = await Promise.all([
    client.list(Service),
    client.list(EndpointSlice),
    client.list(Pod),
    client.list(Node),
  ])
  const cluster = { services: services.items, slices: slices.items, pods: pods.items, nodes: nodes.items }
  const from = await readEnd(client, source, namespace)
  const to = serviceOf(target, namespace, services.items) ?? { end: await readEnd(client, target, namespace) }
  const asked = { from, to, port, protocol, cluster }
  const names = nodesOnTheWay(asked)
  const reports = new Map(await Promise.all(names.map(async name => [name, await reportOf(name, askNode)] as const)))
  const policies = await readPolicyWorld(client, datastore, endsOn(names, from, to, pods.items))
  return checkPath({ ...asked, policies, reports })
}

/** Asks by way of the API server, which knows where agents are. */
export function nodeNetworkOf(remote: {
  json(method: string, url: string): Promise<NodeNetwork>
}): PathSources['askNode'] {
  return name => remote.json('GET', `/api/v1/nodes/${encodeURIComponent(name)}/proxy${nodeNetworkPath}`)
}

async function reportOf(name: string, askNode: PathSources['askNode']): Promise<NodeReport> {
  return askNode(name).catch(error => ({ silent: explain(error) }))
}

/** A Service by its name or its cluster IP. */
function serviceOf(text: string, namespace: string, services: readonly Service[]): Target | undefined {
  const [, explicit, name] = /^(?:svc|services?)\/(?:([^/]+)\/)?([^/]+)$/.exec(text) ?? []
  if (name) return { service: { namespace: explicit ?? namespace, name } }
  if (!isIP(text)) return undefined
  const ip = canonicalIP(text)
  const service = services.find(({ spec }) => spec.clusterIPs?.some(own => isIP(own) && canonicalIP(own) === ip))
  return service && { service: { namespace: service.metadata.namespace!, name: service.metadata.name } }
}

/** A pod of each node stands for it. */
function endsOn(names: readonly string[], from: End, to: Target, pods: readonly Pod[]): End[] {
  const known = 'end' in to ? [from, to.end] : [from]
  const more = names.flatMap(name => pods.find(pod => pod.spec.nodeName === name) ?? [])
  return [...known, ...more.map(pod => ({ name: pod.metadata.name, ip: undefined, pod }))]
}
