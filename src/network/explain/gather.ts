import { OptiFlowError } from '../../base/errors.ts'
import { isIP } from '../../base/ip.ts'
import type { Client } from '../../client/index.ts'
import { isNotFound } from '../../models/api-error.ts'
import { defineKind } from '../../models/kind.ts'
import { EndpointSlice, Namespace, NetworkPolicy, Node, Pod, ServiceAccount } from '../../models/kinds/index.ts'
import { networkLabel } from '../../models/node-network.ts'
import type { AnyObject } from '../../models/object.ts'
import { type CalicoDatastore, CalicoMissing } from '../calico/datastore/datastore.ts'
import { installedVersion } from '../calico/install/install.ts'
import {
  CalicoNetworkPolicy,
  CalicoNetworkSet,
  type CalicoObject,
  GlobalNetworkPolicy,
  GlobalNetworkSet,
  Tier,
} from '../calico/kinds/index.ts'
import type { ClusterPolicySpec } from './cluster-policies.ts'
import type { CalicoPolicies, Connection, ConnectionExplanation, End, PolicyWorld } from './connection.ts'
import { explainConnection } from './explain.ts'

/** One end of a connection cannot be understood, or has no address. */
export class BadEnd extends OptiFlowError {}

export interface ConnectionQuestion {
  /** `pod/a`, `shop/a`, or an address. */
  from: string
  /** The same with a port: `pod/b:80`. */
  to: string
  protocol: Connection['protocol']
  /** Of pods that name none. */
  namespace: string
}

/** Reads what decides about a connection and says what it comes to. @throws BadEnd */
export async function whyConnection(
  client: Client,
  datastore: CalicoDatastore,
  { from, to, protocol, namespace }: ConnectionQuestion,
): Promise<ConnectionExplanation> {
  const { target, port } = splitTarget(to)
  const ends = [await readEnd(client, from, namespace), await readEnd(client, target, namespace)] as const
  const connection = { from: ends[0], to: ends[1], port, protocol }
  return explainConnection(await readPolicyWorld(client, datastore, ends), connection)
}

/** `pod/b:80` → `pod/b` and 80. @throws BadEnd */
export function splitTarget(to: string): { target: string; port: number } {
  const [, target = '', port] = /^(.*):(\d+)$/.exec(to) ?? []
  if (!port || Number(port) < 1 || Number(port) > 65_535)
    throw new BadEnd(`"${to}" names no port`, { hint: 'Write it as in pod/b:80.' })
  return { target, port: Number(port) }
}

/** The pod or address that is meant. @throws BadEnd */
export async function readEnd(client: Client, text: string, namespace: string): Promise<End> {
  if (isIP(text)) return podWithAddress(client, text)
  const [, explicit, name] = /^(?:pods?\/|po\/)?(?:([^/]+)\/)?([^/]+)$/.exec(text) ?? []
  if (!name)
    throw new BadEnd(`"${text}" is neither a pod nor an address`, {
      hint: 'Write pod/NAME, NAMESPACE/NAME or an IP address.',
    })
  const pod = await client.get(Pod, { namespace: explicit ?? namespace, name })
  return endOf(pod)
}

/** An address may be a pod's. */
async function podWithAddress(client: Client, ip: string): Promise<End> {
  const { items } = await client.list(Pod)
  const pod = items.find(p => !p.spec.hostNetwork && p.status?.podIPs?.some(own => own.ip === ip))
  return pod ? endOf(pod) : { name: ip, ip }
}

export const endOf = (pod: Pod): End => ({
  name: `pod ${pod.metadata.namespace}/${pod.metadata.name}`,
  ip: pod.status?.podIP,
  pod,
})

/** What decides about connections between these ends. */
export async function readPolicyWorld(
  client: Client,
  datastore: CalicoDatastore,
  ends: readonly End[],
): Promise<PolicyWorld> {
  const [policies, namespaces, pods] = await Promise.all([
    client.list(NetworkPolicy),
    client.list(Namespace),
    client.list(Pod),
  ])
  const version = await installedVersion(client)
  const calico = version ? await readCalico(client, datastore) : undefined
  return {
    policies: policies.items,
    namespaces: namespaces.items,
    pods: pods.items,
    ...(calico ? { calico, ...(await readNamed(client)) } : {}),
    enforcedBy: version ? `Calico ${version}` : await builtInOn(client, ends),
  }
}

/** What Calico's rules may name besides pods and namespaces. */
async function readNamed(client: Client): Promise<Pick<PolicyWorld, 'accounts' | 'slices'>> {
  const [accounts, slices] = await Promise.all([client.list(ServiceAccount), client.list(EndpointSlice)])
  return { accounts: accounts.items, slices: slices.items }
}

async function readCalico(client: Client, datastore: CalicoDatastore): Promise<CalicoPolicies | undefined> {
  try {
    const [tiers, global, namespaced, ...sets] = await Promise.all([
      datastore.list(Tier),
      datastore.list(GlobalNetworkPolicy),
      datastore.list(CalicoNetworkPolicy),
      datastore.list(GlobalNetworkSet),
      datastore.list(CalicoNetworkSet),
    ])
    return { tiers, global, namespaced, cluster: await clusterPolicies(client), sets: sets.flat() }
  } catch (error) {
    if (error instanceof CalicoMissing) return undefined
    throw error
  }
}

const ClusterNetworkPolicy = defineKind<AnyObject>({
  group: 'policy.networking.k8s.io',
  version: 'v1alpha2',
  kind: 'ClusterNetworkPolicy',
  plural: 'clusternetworkpolicies',
  scope: 'Cluster',
  schema: '',
})

/** Manifests of Calico's before 3.32 do not define the kind. */
async function clusterPolicies(client: Client): Promise<CalicoObject<ClusterPolicySpec>[]> {
  try {
    const { items } = await client.list(ClusterNetworkPolicy)
    return items as unknown as CalicoObject<ClusterPolicySpec>[]
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

/** Who enforces policies on the nodes of these ends, as the nodes say. */
async function builtInOn(client: Client, ends: readonly End[]): Promise<string> {
  const names = [...new Set(ends.flatMap(({ pod }) => pod?.spec.nodeName ?? []))]
  const labels = await Promise.all(
    names.map(name =>
      client.get(Node, { name }).then(
        node => node.metadata.labels?.[networkLabel],
        error => {
          if (isNotFound(error)) return undefined
          throw error
        },
      ),
    ),
  )
  if (labels.some(label => label === 'cni')) return 'the CNI plugin of the nodes, if it can'
  return labels.some(label => label === 'builtin') ? 'the built-in rules' : 'nobody: the nodes are simulated'
}
