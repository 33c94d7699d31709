import type { Disposal } from '../base/disposal.ts'
import { listenHttp } from '../base/http-listener.ts'
import { createEventRecorder, createInformers, type InformerSet } from '../client/index.ts'
import { Announcer, createServiceProxy, startDnsServer, TakenPorts, upstreamsFrom } from '../discovery/index.ts'
import type { NodeNetwork, NodeNetworkReader } from '../models/node-network.ts'
import { createNetworkPolicies, createPodNetwork, prepareForeignNetwork, readNodePaths } from '../network/index.ts'
import { dnsIpOf } from './addresses.ts'
import type { NodeOptions } from './node-options.ts'
import { placesOf } from './node-places.ts'
import { asPart } from './part.ts'

export interface NodeNetworkOptions extends NodeOptions {
  informers: InformerSet
}

/** What gives this node's pods a network: addresses and ways, Services, names, policies. */
export class NodeNetworkPart {
  /** Tells what is there by now: it grows as the parts come up. */
  readonly reader: NodeNetworkReader
  readonly #options: NodeNetworkOptions
  readonly #dnsIp: string
  readonly #told: { [part in 'paths' | 'policies']?: () => Promise<NodeNetwork[part]> } = {}

  /** @param options its `signal` ends what is waited for */
  constructor(options: NodeNetworkOptions) {
    this.#options = options
    this.#dnsIp = dnsIpOf(options.settings)
    const told = this.#told
    this.reader = {
      whole: async () => {
        const [paths, policies] = await Promise.all([told.paths?.(), told.policies?.()])
        const dns = { server: this.#dnsIp, domain: options.settings.clusterDomain }
        return { dns, ...(paths ? { paths } : {}), ...(policies ? { policies } : {}) }
      },
      policies: async () => told.policies?.(),
    }
  }

  /** Resolves when pods get addresses and Services answer. @throws NetworkFailed, ProxyFailed, DnsUnavailable */
  start(stack: Disposal): Promise<void> {
    const { settings, informers, nodeIp, outside, report, signal } = this.#options
    const { nodeName } = settings
    const podCidrs = settings.clusterCidr.split(',')
    const proxy = stack.use(createServiceProxy({ ...outside, nodeName, podCidrs, informers, listen: listenHttp }))
    this.#tellOfTakenPorts(stack)
    return asPart(report, 'network', 'waiting for the pod network of this node', async () => {
      const pods = settings.network === 'cni' ? await this.#foreign() : await this.#builtin(stack)
      await proxy.ready(signal)
      const noteFile = placesOf(settings.dataDir).announced
      stack.use(new Announcer({ ...outside, nodeName, nodeIp, noteFile, informers }))
      await this.#answerNames(stack)
      return [undefined, `${pods}, DNS ${this.#dnsIp}, service rules in nftables`]
    })
  }

  #tellOfTakenPorts(stack: Disposal): void {
    const { settings, client, informers, nodeIp, outside } = this.#options
    const { nodeName } = settings
    const events = createEventRecorder({ ...outside, client, component: 'service-proxy', host: nodeName })
    stack.use(new TakenPorts({ ...outside, nodeName, nodeIps: [nodeIp], informers, events }))
  }

  async #builtin(stack: Disposal): Promise<string> {
    const { settings, informers, nodeIp, outside, signal } = this.#options
    const places = placesOf(settings.dataDir)
    const network = createPodNetwork({
      ...outside,
      nodeName: settings.nodeName,
      nodeIp,
      clusterCidrs: settings.clusterCidr.split(','),
      nonMasqueradeCidrs: settings.nonMasqueradeCidrs,
      encapsulation: settings.networkEncapsulation,
      dnsIp: this.#dnsIp,
      informers,
      cniConfFolder: places.cniConf,
      ipamFolder: places.ipam,
    })
    const { podCidrs } = await stack.use(network).ready(signal)
    this.#told.paths = () => readNodePaths(outside.commands)
    if (settings.networkPolicy === 'builtin') await this.#enforcePolicies(podCidrs, stack)
    return `pods ${podCidrs.join(' and ')}`
  }

  async #foreign(): Promise<string> {
    const { settings, outside, signal } = this.#options
    const { nodeName, cniConfDir, dataDir } = settings
    const ipamFolder = placesOf(dataDir).ipam
    const { podsLeft } = await prepareForeignNetwork({ ...outside, nodeName, dnsIp: this.#dnsIp, ipamFolder, signal })
    if (podsLeft)
      outside.log.warn(
        { pods: podsLeft },
        'pods are still in the built-in network: delete them, so that they move; it goes with the last one',
      )
    return `pods by the CNI plugin of ${cniConfDir}`
  }

  async #enforcePolicies(podCidrs: string[], stack: Disposal): Promise<void> {
    const { settings, networkClient: client, outside, signal } = this.#options
    const informers = stack.use(createInformers({ ...outside, client }))
    const policies = createNetworkPolicies({ ...outside, nodeName: settings.nodeName, podCidrs, informers })
    await stack.use(policies).ready(signal)
    this.#told.policies = () => policies.counts()
  }

  async #answerNames(stack: Disposal): Promise<void> {
    const { settings, informers, outside } = this.#options
    const resolvConf = await outside.disk.readText('/etc/resolv.conf').catch(() => '')
    const upstreams = upstreamsFrom(resolvConf, this.#dnsIp)
    const zone = settings.clusterDomain
    stack.use(await startDnsServer({ ...outside, host: this.#dnsIp, zone, informers, upstreams }))
  }
}
