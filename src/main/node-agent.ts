import {
  type AgentOptions,
  createAgent,
  defaultReservation,
  makeMemoryFolder,
  openCredentialProviders,
} from '../agent/index.ts'
import type { Disposal } from '../base/disposal.ts'
import { explain } from '../base/errors.ts'
import type { NftFamily } from '../base/nft-table.ts'
import type { InformerSet } from '../client/index.ts'
import { type NodeNetworkReader, networkLabel } from '../models/node-network.ts'
import { HostPorts, limitBandwidth } from '../network/index.ts'
import { dnsIpOf, secondIp } from './addresses.ts'
import { startAgentServer } from './agent-server.ts'
import { cgroupOptions } from './cgroup-settings.ts'
import { diskOptions } from './disk-settings.ts'
import { evictionOptions } from './eviction-settings.ts'
import type { NodeOptions } from './node-options.ts'
import { kubeletFolderOf, placesOf } from './node-places.ts'
import { type NodeRuntime, secretFolderOf } from './node-runtime.ts'
import { nodeOptions, nodePortOptions } from './node-settings.ts'
import { asPart } from './part.ts'
import { registrationOptions } from './registration-settings.ts'
import type { Settings } from './settings.ts'
import { shutdownOptions } from './shutdown-settings.ts'
import { topologyOptions } from './topology-settings.ts'
import { version } from './version.ts'

export interface NodeAgentParts extends NodeRuntime {
  informers: InformerSet
  network: NodeNetworkReader
}

/** The agent and its server, and the folders that both need. Resolves when what runs here was seen. */
export async function startNodeAgent(options: NodeOptions, parts: NodeAgentParts, stack: Disposal): Promise<void> {
  const { settings, client, nodeIp, keys, outside, report } = options
  const { disk } = outside
  const port = { host: nodeIp, port: 10250, settings: nodePortOptions(settings, nodeIp) }
  const server = stack.use(await startAgentServer({ ...port, keys, client, outside }))
  const secretFolder = await makeSecretFolder(options, parts)
  const staticPodFolder = settings.podManifestPath ?? placesOf(settings.dataDir).manifests
  // Now, so that it can be watched.
  await disk.makeFolder(staticPodFolder)
  const agent = createAgent({
    ...agentOptions(options, parts),
    ...(settings.network === 'cni' ? {} : podHooks(options, parts, stack)),
    ...(await credentialsOf(options)),
    secretFolder,
    staticPodFolder,
    server,
  })
  await asPart(report, 'agent', 'looking at what runs here', async () => {
    await agent.start()
    stack.defer(() => agent.stop())
    return [undefined, `node ${settings.nodeName}, ${nodeIp}`]
  })
}

/** @throws BadCredentialProviders */
async function credentialsOf({ settings, outside }: NodeOptions): Promise<Pick<AgentOptions, 'imageCredentials'>> {
  const { imageCredentialProviderConfig: configFile, imageCredentialProviderBinDir: folder } = settings
  if (!configFile || !folder) return {}
  return { imageCredentials: await openCredentialProviders({ ...outside, configFile, folder }) }
}

async function makeSecretFolder({ settings, outside }: NodeOptions, { containerd }: NodeRuntime): Promise<string> {
  const { disk, commands, log } = outside
  const folder = secretFolderOf(containerd, settings.nodeName)
  await makeMemoryFolder(disk, commands, folder).catch(error =>
    log.warn({ folder, error: explain(error) }, 'secrets of pods are on the disk, not in memory'),
  )
  return folder
}

function agentOptions(options: NodeOptions, { runtime, containerd, informers, network }: NodeAgentParts): AgentOptions {
  const { settings, client, nodeIp, keys, metrics, outside } = options
  const places = placesOf(settings.dataDir)
  const dnsIp = dnsIpOf(settings)
  const second = settings.clusterCidr.includes(',') ? secondIp(nodeIp) : undefined
  // The driver of another's runtime is not known; ours is cgroupfs.
  const reservations = reservationsOf(settings)
  const { reserved: system = defaultReservation, kubeReserved: kube = {} } = reservations
  const cgroups = containerd && cgroupOptions(settings, { system, kube })
  return {
    ...outside,
    nodeName: settings.nodeName,
    client,
    runtime,
    informers,
    network,
    metrics,
    certificates: () => ({ server: keys.server.cert, client: keys.client.cert }),
    folder: places.node,
    logFolder: places.podLogs,
    kubeletFolder: kubeletFolderOf(settings),
    ...(settings.shareDevices ? { sharedResource: settings.shareDevices } : {}),
    allowedUnsafeSysctls: settings.allowedUnsafeSysctls,
    ...evictionOptions(settings),
    ...(settings.resolvConf ? { resolvConf: settings.resolvConf } : {}),
    ...topologyOptions(settings),
    ...diskOptions(settings),
    ...registrationOptions(settings),
    ...nodeOptions(settings),
    swapBehavior: settings.memorySwapBehavior,
    cpuQuotas: settings.cpuCfsQuota === 'true',
    singleProcessOomKill: settings.singleProcessOomKill === 'true',
    ...(cgroups ? { cgroups } : {}),
    ...reservations,
    ...shutdownOptions(settings),
    seccompDefault: settings.seccompDefault === 'true',
    addresses: [
      { type: 'InternalIP', address: nodeIp },
      ...(second ? [{ type: 'InternalIP' as const, address: second }] : []),
      { type: 'Hostname', address: settings.nodeName },
    ],
    labels: { ...settings.nodeLabels, [networkLabel]: settings.network },
    ...(settings.imagePeers === 'true' ? { imagePeers: () => ({ ca: keys.ca, ...keys.client }) } : {}),
    clusterDns: settings.clusterDns ?? [dnsIp],
    clusterDomain: settings.clusterDomain,
    version: `v1.32.3-optiflow.${version}`,
  }
}

/** What our own network does for a pod before its containers start. */
function podHooks(
  { settings, outside }: NodeOptions,
  { informers }: NodeAgentParts,
  stack: Disposal,
): Pick<AgentOptions, 'limitBandwidth' | 'openHostPorts'> {
  const { nodeName, clusterCidr } = settings
  const families = clusterCidr.split(',').map((cidr): NftFamily => (cidr.includes(':') ? 'ip6' : 'ip'))
  const hostPorts = stack.use(new HostPorts({ ...outside, nodeName, families, dnsIp: dnsIpOf(settings), informers }))
  return {
    limitBandwidth: (netns, bandwidth) => limitBandwidth(outside.commands, netns, bandwidth),
    openHostPorts: hostPorts.open,
  }
}

/** Processors that are named are reserved whole, whatever amounts were said. */
function reservationsOf(settings: Settings): Pick<AgentOptions, 'reserved' | 'kubeReserved'> {
  const { systemReserved: reserved, kubeReserved, reservedCpus } = settings
  if (!reservedCpus) return { ...(reserved ? { reserved } : {}), ...(kubeReserved ? { kubeReserved } : {}) }
  const { cpu: _, ...kube } = kubeReserved ?? {}
  return {
    reserved: { ...(reserved ?? defaultReservation), cpu: String(reservedCpus.length) },
    ...(kubeReserved ? { kubeReserved: kube } : {}),
  }
}
