import { type Clock, every } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import { removeNftTable } from '../base/nft-keeper.ts'
import { removeHostPorts } from './host-ports.ts'
import { podTable } from './masquerade.ts'
import { type NodePreparation, prepareNode } from './node-preparation.ts'
import { removePaths } from './path/kernel-paths.ts'
import { podBridge } from './pod-network.ts'
import { removeNetworkPolicies } from './policy/network-policies.ts'

const quiet = { allowFailure: true }
const lookMs = 5_000

export interface ForeignNetworkOptions extends NodePreparation {
  clock: Clock
  /** Addresses of the built-in network that were given out. */
  ipamFolder: string
  /** Nobody looks any more whether pods are left in the built-in network. */
  signal: AbortSignal
}

/**
 * A node whose pods get their network from another CNI plugin, such as Calico: Services and DNS are ours, addresses, routes
 * and policies are the plugin's. Our policy rules go; what is left of our own pod network goes with the last pod that is in it.
 * The node is Ready once the plugin has put its configuration where containerd looks for it.
 * @throws NetworkFailed
 */
export async function prepareForeignNetwork(options: ForeignNetworkOptions): Promise<{ podsLeft: number }> {
  const { commands, clock, signal } = options
  await prepareNode(options)
  await removeNetworkPolicies(commands)
  const podsLeft = await removeWhenEmpty(options)
  if (podsLeft) {
    const done = new AbortController()
    const look = async () => {
      try {
        if ((await removeWhenEmpty(options)) === 0) done.abort()
      } catch (error) {
        options.log.warn({ error: explain(error) }, 'the built-in network cannot be removed yet')
      }
    }
    every(clock, lookMs, look, AbortSignal.any([signal, done.signal]))
  }
  return { podsLeft }
}

/** @returns how many pods are still in the built-in network; 0: it is gone */
async function removeWhenEmpty({ commands, disk, ipamFolder }: ForeignNetworkOptions): Promise<number> {
  const podsLeft = await podsOnBridge(commands)
  if (podsLeft === 0) await removeOwnNetwork(commands, disk, ipamFolder)
  return podsLeft
}

async function podsOnBridge(commands: Commands): Promise<number> {
  const { code, stdout } = await commands.run('ip', ['-o', 'link', 'show', 'master', podBridge], quiet)
  return code === 0 ? stdout.split('\n').filter(Boolean).length : 0
}

async function removeOwnNetwork(commands: Commands, disk: Disk, ipamFolder: string): Promise<void> {
  await removeNftTable(commands, podTable)
  await removeHostPorts(commands)
  await commands.run('ip', ['link', 'del', podBridge], quiet)
  await removePaths(commands)
  // Its pods were taken out by the other plugin, which knows nothing of our addresses: all would seem taken on the way back.
  await disk.remove(ipamFolder)
}
