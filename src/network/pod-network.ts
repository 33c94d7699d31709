import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { Disposal } from '../base/disposal.ts'
import { removeNftTable } from '../base/nft-keeper.ts'
import { findUplink, type Uplink } from '../base/uplink.ts'
import type { InformerSet } from '../client/index.ts'
import { Node } from '../models/kinds/index.ts'
import { cniConflist } from './cni-config.ts'
import { removeHostPorts } from './host-ports.ts'
import { keepMasquerade, podTable } from './masquerade.ts'
import { type NodePreparation, prepareIPv6, prepareNode } from './node-preparation.ts'
import { removePaths } from './path/kernel-paths.ts'
import { type Encapsulation, isWide, podCidrsOf } from './path/plan-paths.ts'
import { PodPaths } from './path/pod-paths.ts'
import { tunnelMtu } from './path/tunnel.ts'
import { removePortMaps } from './port-maps.ts'

export interface PodNetworkOptions extends NodePreparation {
  /** Address at which the others reach this node. */
  nodeIp: string
  /** All pods of all nodes: traffic that leaves them gets the node's address. */
  clusterCidrs: readonly string[]
  /** Networks that pods reach with their own addresses all the same. */
  nonMasqueradeCidrs: readonly string[]
  encapsulation: Encapsulation
  informers: InformerSet
  clock: Clock
  /** Where the runtime looks for CNI configurations. */
  cniConfFolder: string
  ipamFolder: string
  bridge?: string
}

export interface PodNetwork extends AsyncDisposable {
  /** Resolves with this node's pod networks once pods can be started in them. @throws NetworkFailed */
  ready(signal: AbortSignal): Promise<{ podCidrs: string[] }>
}

export const podBridge = 'optiflow0'

/**
 * The built-in pod network of one node: CNI configuration for the pod CIDRs that the control plane gave it, ways to the
 * other nodes' pods, masquerade for what leaves the cluster. Disposing leaves all in place; `removePodNetwork` takes it out.
 */
export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  const { commands, disk, encapsulation, nodeIp } = options
  const bridge = options.bridge ?? podBridge
  const nodes = options.informers.for(Node)
  const stack = new Disposal()

  async function writeConflist(podCidrs: string[], uplink: Uplink | undefined): Promise<void> {
    const mtu = uplink && (encapsulation === 'none' ? uplink.mtu : tunnelMtu(uplink))
    const settings = { bridge, podCidrs, ipamFolder: options.ipamFolder, ...(mtu ? { mtu } : {}) }
    await disk.write(join(options.cniConfFolder, conflistName), cniConflist(settings))
  }

  return {
    async ready(signal) {
      await nodes.ready(signal)
      const podCidrs = await ownPodCidrs(options, signal)
      await prepareNode(options)
      const uplink = await findUplink(commands, nodeIp)
      if (podCidrs.some(isWide)) await prepareIPv6(options, uplink?.name)
      const { clusterCidrs, nonMasqueradeCidrs: exclusions } = options
      for (const keeper of keepMasquerade({ clusterCidrs, exclusions }, options)) await stack.use(keeper).now()
      await writeConflist(podCidrs, uplink)
      await stack.use(new PodPaths({ ...options, nodes, podCidrs })).now()
      return { podCidrs }
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

const conflistName = '10-optiflow.conflist'

/** Waits until the control plane has given the node its pod networks. */
function ownPodCidrs(options: PodNetworkOptions, signal: AbortSignal): Promise<string[]> {
  const nodes = options.informers.for(Node)
  return new Promise((resolve, reject) => {
    const look = (node: Node | undefined) => {
      const cidrs = node?.metadata.name === options.nodeName ? podCidrsOf(node) : []
      if (!cidrs.length) return
      end()
      resolve(cidrs)
    }
    let end = () => {}
    const unsubscribe = nodes.subscribe({ added: look, updated: look })
    const onAbort = () => {
      end()
      reject(signal.reason)
    }
    end = () => {
      unsubscribe()
      signal.removeEventListener('abort', onAbort)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    look(nodes.get({ name: options.nodeName }))
  })
}

/** Takes out bridge, rules, routes, tunnel, DNS address and CNI configuration; what is not there is fine. */
export async function removePodNetwork(
  commands: Commands,
  disk: Disk,
  where: { cniConfFolder: string; ipamFolder: string; dnsIp: string; bridge?: string },
): Promise<void> {
  const quiet = { allowFailure: true }
  await removeNftTable(commands, podTable)
  await removeHostPorts(commands)
  await removePortMaps(commands)
  await commands.run('ip', ['link', 'del', where.bridge ?? podBridge], quiet)
  await removePaths(commands)
  await commands.run('ip', ['addr', 'del', `${where.dnsIp}/${isWide(where.dnsIp) ? 128 : 32}`, 'dev', 'lo'], quiet)
  await disk.remove(join(where.cniConfFolder, conflistName))
  await disk.remove(where.ipamFolder)
}
