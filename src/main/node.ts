import { type AgentServer, createAgent, makeMemoryFolder, shutdownSteps } from '../agent/index.ts'
import type { KeyPair } from '../base/certificates.ts'
import { Disposal } from '../base/disposal.ts'
import { explain, isAbort } from '../base/errors.ts'
import { listenHttp } from '../base/http-listener.ts'
import { type Client, createClient, createInformers, httpTransport } from '../client/index.ts'
import { Announcer, createServiceProxy, startDnsServer, upstreamsFrom } from '../discovery/index.ts'
import { type NodeNetwork, type NodeNetworkReader, networkLabel } from '../models/node-network.ts'
import {
  createNetworkPolicies,
  createPodNetwork,
  limitBandwidth,
  prepareForeignNetwork,
  readNodePaths,
} from '../network/index.ts'
import { askPatiently, shareFolder } from '../runtime/index.ts'
import { dnsIpOf, nodeIp, secondIp } from './addresses.ts'
import { type ServingKeys, startAgentServer } from './agent-server.ts'
import { cgroupOptions } from './cgroup-settings.ts'
import { nodePlaces } from './doctor/node-doctor.ts'
import { keepClean } from './doctor/upkeep.ts'
import { joinCluster } from './join.ts'
import { openNetworkClient } from './network-client.ts'
import { noteNetwork } from './network-note.ts'
import { kubeletFolderOf, openNodeRuntime, placesOf, secretFolderOf } from './node-runtime.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'

export interface NodeOptions {
  settings: Settings
  client: Client
  /** Sees all pods, to enforce network policies. */
  networkClient: Client
  /** Address at which the others reach this node. */
  nodeIp: string
  /** Of the node's own server. */
  serving: ServingKeys
  /** By which other nodes know this one. */
  identity: KeyPair
  outside: OutsideWorld
  report: Report
  signal: AbortSignal
}

export interface RunningNode extends AsyncDisposable {
  /** Resolves when pods get addresses and Services answer. @throws NetworkFailed, ProxyFailed, DnsUnavailable */
  networkReady: Promise<void>
}

/** One node with real containers: containerd, agent, pod network, service proxy, DNS. Resolves when the agent works. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { settings, client, report } = options
  const outside = { ...options.outside, log: options.outside.log.child({ part: 'node' }) }
  const { clock, random, log, disk, commands, net } = outside
  const places = placesOf(settings.dataDir)
  const stack = new Disposal()
  const stop = new AbortController()
  const dnsIp = dnsIpOf(settings)
  /** Grows as the parts of the network come up. */
  const told: { [part in 'paths' | 'policies']?: () => Promise<NodeNetwork[part]> } = {}
  const networkReader: NodeNetworkReader = {
    async whole() {
      const [paths, policies] = await Promise.all([told.paths?.(), told.policies?.()])
      const dns = { server: dnsIp, domain: settings.clusterDomain }
      return { dns, ...(paths ? { paths } : {}), ...(policies ? { policies } : {}) }
    },
    policies: async () => told.policies?.(),
  }
  const second = settings.clusterCidr.includes(',') ? secondIp(options.nodeIp) : undefined
  try {
    const { runtime, containerd } = await asPart(report, 'runtime', 'starting containerd', async () => {
      await noteNetwork(disk, settings)
      const opened = await openNodeRuntime({ settings, outside })
      // One of ours is started again if it has just ended; somebody else's must be there.
      const ask = () => opened.runtime.version()
      const { name, version } = await (opened.containerd ? askPatiently(clock, ask) : ask())
      return [opened, `${name} ${version}${opened.containerd?.adopted ? ', taken over as it was running' : ''}`]
    })
    stack.use(runtime)
    if (containerd) stack.use(containerd)
    const informers = stack.use(createInformers({ client, clock, random, log }))
    const server: AgentServer = stack.use(
      await startAgentServer({ host: options.nodeIp, port: 10250, keys: options.serving, client, outside }),
    )
    const secretFolder = secretFolderOf(containerd, settings.nodeName)
    await makeMemoryFolder(disk, commands, secretFolder).catch(error =>
      log.warn({ folder: secretFolder, error: explain(error) }, 'secrets of pods are on the disk, not in memory'),
    )
    const staticPodFolder = settings.podManifestPath ?? places.manifests
    // Now, so that it can be watched.
    await disk.makeFolder(staticPodFolder)
    // What drivers mount there must be seen in the containers of others.
    const kubeletFolder = kubeletFolderOf(settings)
    await shareFolder(disk, commands, kubeletFolder).catch(error =>
      log.warn({ folder: kubeletFolder, error: explain(error) }, 'CSI drivers that run in pods cannot mount'),
    )
    // The driver of another's runtime is not known; ours is cgroupfs.
    const cgroups = containerd && cgroupOptions(settings)
    const agent = createAgent({
      nodeName: settings.nodeName,
      client,
      runtime,
      clock,
      random,
      disk,
      net,
      commands,
      log,
      folder: places.node,
      logFolder: places.podLogs,
      kubeletFolder,
      ...(settings.shareDevices ? { sharedResource: settings.shareDevices } : {}),
      secretFolder,
      staticPodFolder,
      allowedUnsafeSysctls: settings.allowedUnsafeSysctls,
      eviction: evictionOf(settings),
      cpuManagerPolicy: settings.cpuManagerPolicy,
      ...(cgroups ? { cgroups } : {}),
      ...(settings.systemReserved ? { reserved: settings.systemReserved } : {}),
      ...(settings.shutdownGracePeriodMs
        ? {
            shutdown: {
              steps: shutdownSteps(settings.shutdownGracePeriodMs, settings.shutdownGracePeriodCriticalPodsMs),
            },
          }
        : {}),
      addresses: [
        { type: 'InternalIP', address: options.nodeIp },
        ...(second ? [{ type: 'InternalIP' as const, address: second }] : []),
        { type: 'Hostname', address: settings.nodeName },
      ],
      labels: { [networkLabel]: settings.network },
      ...(settings.imagePeers === 'true' ? { imagePeers: { ca: options.serving.clientCa, ...options.identity } } : {}),
      clusterDns: [dnsIp],
      clusterDomain: settings.clusterDomain,
      network: networkReader,
      ...(settings.network === 'cni'
        ? {}
        : { limitBandwidth: (netns, bandwidth) => limitBandwidth(commands, netns, bandwidth) }),
      version: `v1.32.3-optiflow.${version}`,
      informers,
      server,
    })
    await asPart(report, 'agent', 'looking at what runs here', async () => {
      await agent.start()
      stack.defer(() => agent.stop())
      return [undefined, `node ${settings.nodeName}, ${options.nodeIp}`]
    })

    if (containerd) void keepClean(nodePlaces(settings.dataDir), outside, stop.signal)
    const proxy = stack.use(
      createServiceProxy({
        ...{ nodeName: settings.nodeName, podCidrs: settings.clusterCidr.split(',') },
        ...{ informers, commands, clock, log, listen: listenHttp },
      }),
    )
    const networkReady = asPart(report, 'network', 'waiting for the pod network of this node', async () => {
      const pods = settings.network === 'cni' ? await foreignNetwork() : await builtinNetwork()
      await proxy.ready(stop.signal)
      stack.use(
        new Announcer({
          ...{ nodeName: settings.nodeName, nodeIp: options.nodeIp },
          noteFile: places.announced,
          informers,
          ...outside,
        }),
      )
      const resolvConf = await disk.readText('/etc/resolv.conf').catch(() => '')
      stack.use(
        await startDnsServer({
          host: dnsIp,
          zone: settings.clusterDomain,
          informers,
          upstreams: upstreamsFrom(resolvConf, dnsIp),
          net,
          clock,
          log,
        }),
      )
      return [undefined, `${pods}, DNS ${dnsIp}, service rules in nftables`]
    })
    async function builtinNetwork(): Promise<string> {
      const { nodeName } = settings
      const folders = { cniConfFolder: places.cniConf, ipamFolder: places.ipam }
      const network = createPodNetwork({
        nodeName,
        nodeIp: options.nodeIp,
        clusterCidrs: settings.clusterCidr.split(','),
        nonMasqueradeCidrs: settings.nonMasqueradeCidrs,
        encapsulation: settings.networkEncapsulation,
        dnsIp,
        informers,
        commands,
        disk,
        clock,
        log,
        ...folders,
      })
      const { podCidrs } = await stack.use(network).ready(stop.signal)
      told.paths = () => readNodePaths(commands)
      if (settings.networkPolicy === 'builtin') await enforcePolicies(podCidrs)
      return `pods ${podCidrs.join(' and ')}`
    }
    async function foreignNetwork(): Promise<string> {
      const { nodeName } = settings
      const ends = { ipamFolder: places.ipam, clock, signal: stop.signal }
      const { podsLeft } = await prepareForeignNetwork({ nodeName, dnsIp, commands, disk, log, ...ends })
      if (podsLeft)
        log.warn(
          { pods: podsLeft },
          'pods are still in the built-in network: delete them, so that they move; it goes with the last one',
        )
      return `pods by the CNI plugin of ${settings.cniConfDir}`
    }
    async function enforcePolicies(podCidrs: string[]): Promise<void> {
      const all = stack.use(createInformers({ client: options.networkClient, clock, random, log }))
      const { nodeName } = settings
      const policies = createNetworkPolicies({ nodeName, podCidrs, informers: all, commands, clock, log })
      await stack.use(policies).ready(stop.signal)
      told.policies = () => policies.counts()
    }
    networkReady.catch(error => {
      if (!isAbort(error)) log.error({ error: explain(error) }, 'the pod network is not ready')
    })
    return {
      networkReady,
      async [Symbol.asyncDispose]() {
        stop.abort()
        await networkReady.catch(() => {})
        await stack[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    stop.abort()
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** What was not said is left to the agent. */
function evictionOf(settings: Settings) {
  const { evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim } = settings
  return {
    ...(evictionHard === undefined ? {} : { hard: evictionHard }),
    ...(evictionSoft === undefined ? {} : { soft: evictionSoft }),
    ...(evictionSoftGracePeriod === undefined ? {} : { softGracePeriod: evictionSoftGracePeriod }),
    ...(evictionMinimumReclaim === undefined ? {} : { minimumReclaim: evictionMinimumReclaim }),
  }
}

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
  const common = { server, ca: keys.ca, userAgent: `optiflow-agent/${version}` }
  const transport = httpTransport({ ...common, ...keys.client })
  const client = createClient(transport)
  const network = openNetworkClient(client, common, outside)
  const close = async () => {
    await network[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
  }
  try {
    const node = await startNode({
      settings,
      client,
      networkClient: network.client,
      nodeIp: ip,
      serving: { ...keys.serving, clientCa: keys.ca },
      identity: keys.client,
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
