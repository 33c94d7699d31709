import type { Commands } from '../base/commands.ts'
import { removeNftTable } from '../base/nft-keeper.ts'
import { podTable } from './masquerade.ts'
import { type NodePreparation, prepareNode } from './node-preparation.ts'
import { removePaths } from './path/kernel-paths.ts'
import { podBridge } from './pod-network.ts'
import { removeNetworkPolicies } from './policy/network-policies.ts'

const quiet = { allowFailure: true }

/**
 * A node whose pods get their network from another CNI plugin, such as Calico: Services and DNS are ours, addresses, routes
 * and policies are the plugin's. Our policy rules go, and what is left of our own pod network, unless pods are still in it.
 * The node is Ready once the plugin has put its configuration where containerd looks for it.
 * @throws NetworkFailed
 */
export async function prepareForeignNetwork(options: NodePreparation): Promise<{ podsLeft: number }> {
  const { commands } = options
  await prepareNode(options)
  await removeNetworkPolicies(commands)
  const podsLeft = await podsOnBridge(commands)
  if (podsLeft === 0) await removeOwnNetwork(commands)
  return { podsLeft }
}

async function podsOnBridge(commands: Commands): Promise<number> {
  const { code, stdout } = await commands.run('ip', ['-o', 'link', 'show', 'master', podBridge], quiet)
  return code === 0 ? stdout.split('\n').filter(Boolean).length : 0
}

async function removeOwnNetwork(commands: Commands): Promise<void> {
  await removeNftTable(commands, podTable)
  await commands.run('ip', ['link', 'del', podBridge], quiet)
  await removePaths(commands)
}
