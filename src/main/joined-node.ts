import { AgentMetrics } from '../agent/index.ts'
import { createClient, httpTransport, toldTransport } from '../client/index.ts'
import { nodeIp } from './addresses.ts'
import { joinCluster } from './join.ts'
import { openNetworkClient } from './network-client.ts'
import { startNode } from './node.ts'
import { placesOf } from './node-places.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'

export interface JoinedNodeOptions {
  settings: Settings
  /** `https://10.0.0.1:6443` */
  server: string
  token: string | undefined
  nodeIp?: string
  outside: OutsideWorld
  report: Report
  signal: AbortSignal
}

/** A node of a cluster whose server is elsewhere. @throws JoinFailed, MachineNotReady */
export async function startJoinedNode(options: JoinedNodeOptions): Promise<AsyncDisposable> {
  const { settings, outside, report, server, signal } = options
  const ip = options.nodeIp ?? nodeIp()
  const keys = await asPart(report, 'join', `asking ${server}`, async () => {
    const joined = await joinCluster({
      server,
      token: options.token,
      nodeName: settings.nodeName,
      ips: [ip],
      folder: placesOf(settings.dataDir).keys,
      outside,
      signal,
    })
    return [joined, server]
  })
  const common = { server, userAgent: `optiflow-agent/${version}` }
  const metrics = new AgentMetrics()
  const transport = toldTransport(httpTransport({ ...common, identity: () => ({ ...keys.client, ca: keys.ca }) }), {
    host: new URL(server).host,
    clock: outside.clock,
    tell: call => metrics.apiCalled(call),
  })
  const client = createClient(transport)
  const network = openNetworkClient(client, { ...common, identity: () => ({ ca: keys.ca }) }, outside)
  const letKeysBe = keys.keepRenewed(outside, metrics)
  const close = async () => {
    letKeysBe()
    await network[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
  }
  try {
    const node = await startNode({
      settings,
      client,
      networkClient: network.client,
      nodeIp: ip,
      keys,
      metrics,
      outside,
      report,
      signal,
    })
    await node.networkReady
    return {
      async [Symbol.asyncDispose]() {
        await node[Symbol.asyncDispose]()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
