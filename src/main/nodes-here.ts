import { AgentMetrics, type CertificateUse } from '../agent/index.ts'
import type { Disposal } from '../base/disposal.ts'
import { createClient, inProcessTransport, toldTransport } from '../client/index.ts'
import { nodeIp } from './addresses.ts'
import { startAgentServer } from './agent-server.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { networkUser, nodeUser, simulatedNodesUser } from './identities.ts'
import { startNode } from './node.ts'
import { NodeKeys } from './node-keys.ts'
import { asPart } from './part.ts'
import type { Pki } from './pki.ts'
import type { RunningServer } from './server.ts'
import { startSimulatedNodes } from './simulated-nodes.ts'

/**
 * The nodes that live in this process: this machine, or simulated ones.
 * @returns their names
 */
export async function startNodesHere(
  { settings, outside, report, signal }: ClusterOptions,
  { api, pki }: RunningServer,
  stack: Disposal,
): Promise<string[]> {
  if (settings.nodes === 0) return []
  const { clock } = outside
  const transportOf = (user: typeof networkUser) => inProcessTransport(api.handler, user)
  const clientOf = (user: typeof networkUser) => createClient(transportOf(user), clock)
  const ip = nodeIp()
  const keys = await keysHere(pki, settings.nodeName, ip)
  stack.defer(pki.follow(() => void keys.renewAuthority(signal)))
  if (settings.runtime === 'containerd') {
    const metrics = new AgentMetrics()
    const told = { host: 'in-process', clock, tell: metrics.apiCalled.bind(metrics) }
    const client = createClient(toldTransport(transportOf(nodeUser(settings.nodeName)), told), clock)
    stack.defer(keys.keepRenewed(outside, metrics))
    const places = { nodeIp: ip, keys, networkClient: clientOf(networkUser) }
    const node = stack.use(await startNode({ settings, client, ...places, metrics, outside, report, signal }), 'node')
    await node.networkReady
    return [settings.nodeName]
  }
  const names =
    settings.nodes === 1 ? [settings.nodeName] : Array.from({ length: settings.nodes }, (_, i) => `node-${i + 1}`)
  await asPart(report, 'nodes', `registering ${names.length}`, async () => {
    const client = clientOf(simulatedNodesUser)
    const nodeIp = '127.0.0.1'
    stack.defer(keys.keepRenewed(outside, undefined))
    const server = stack.use(
      await startAgentServer({ host: nodeIp, port: 0, keys, client, outside }),
      'server of the nodes',
    )
    const folder = settings.dataDir
    stack.use(await startSimulatedNodes({ client, outside, names, folder, nodeIp, server }), 'nodes')
    return [undefined, `${names.length} simulated: pods there do not really run`]
  })
  return names
}

/** Signed here, by the authority itself. */
async function keysHere(pki: Pki, nodeName: string, ip: string): Promise<NodeKeys> {
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] }
  const ask = (use: CertificateUse, age: 'any' | 'new') =>
    use === 'client'
      ? pki.client('node-client', subject, age)
      : pki.serving('node-server', { ...subject, ips: [ip, '127.0.0.1'], dnsNames: [nodeName] }, age)
  const [client, server] = await Promise.all([ask('client', 'any'), ask('server', 'any')])
  return new NodeKeys(
    pki.ca.cert,
    { client, server },
    {
      ask: use => ask(use, 'new'),
      authority: async () => pki.ca.cert,
    },
  )
}
