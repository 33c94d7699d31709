import { NftKeeper, type NftKeeperOptions } from '../base/nft-keeper.ts'
import type { NftFamily, NftTable } from '../base/nft-table.ts'
import { NetworkFailed } from './node-preparation.ts'
import { isWide } from './path/plan-paths.ts'

export const podTable = 'optiflow-pods'

/** Networks of one family or of both; each table takes what is of its own. */
export interface MasqueradeInput {
  /** All pods of all nodes. */
  clusterCidrs: readonly string[]
  /** Networks besides that pods reach with their own addresses. */
  exclusions: readonly string[]
}

const multicast: Record<NftFamily, string> = { ip: '224.0.0.0/4', ip6: 'ff00::/8' }

/** What leaves the cluster gets the node's address, since nobody outside knows the way back to a pod. Pure. */
export function masqueradeTable(family: NftFamily, { clusterCidrs, exclusions }: MasqueradeInput): NftTable {
  const ofFamily = (cidrs: readonly string[]) => cidrs.filter(cidr => isWide(cidr) === (family === 'ip6'))
  const pods = ofFamily(clusterCidrs)
  const kept = [...new Set([...pods, ...ofFamily(exclusions), multicast[family]])]
  const from = `${family} saddr { ${pods.join(', ')} }`
  const rules = [...kept.map(cidr => `${from} ${family} daddr ${cidr} return`), `${from} masquerade fully-random`]
  return {
    sets: new Map(),
    maps: new Map(),
    chains: new Map([['postrouting', { hook: 'type nat hook postrouting priority srcnat; policy accept;', rules }]]),
  }
}

/** Keeps the tables of the families that pods have. */
export function keepMasquerade(
  input: MasqueradeInput,
  tools: Pick<NftKeeperOptions, 'commands' | 'clock' | 'log'> & { nodeName: string },
): NftKeeper[] {
  const families = new Set<NftFamily>(input.clusterCidrs.map(cidr => (isWide(cidr) ? 'ip6' : 'ip')))
  return [...families].map(
    family =>
      new NftKeeper({
        ...tools,
        table: podTable,
        family,
        what: 'masquerade rules',
        plan: () => masqueradeTable(family, input),
        refused: cause =>
          new NetworkFailed(`cannot set up the pod network of node ${tools.nodeName}`, {
            cause,
            hint: 'The node needs root, nftables and iproute2.',
          }),
      }),
  )
}
