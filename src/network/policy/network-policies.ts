import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { NftKeeper, removeNftTable } from '../../base/nft-keeper.ts'
import type { NftFamily, NftTable } from '../../base/nft-table.ts'
import type { InformerSet } from '../../client/index.ts'
import { Namespace, NetworkPolicy, Pod } from '../../models/kinds/index.ts'
import type { PolicyCount } from '../../models/node-network.ts'
import { type PolicyTable, readPolicyCounts, withoutPolicies } from './counted-rules.ts'
import { planPolicyRules } from './policy-rules.ts'

export interface NetworkPoliciesOptions {
  nodeName: string
  /** The pods of this node, one network of each family. */
  podCidrs: readonly string[]
  informers: InformerSet
  commands: Commands
  clock: Clock
  log: Logger
  /** nftables table that is ours alone. */
  table?: string
}

export interface NetworkPolicies extends AsyncDisposable {
  /** Resolves when all policies known at the call are in force. @throws PoliciesNotWritten */
  ready(signal?: AbortSignal): Promise<void>
  /** What each rule has let in and out, and what was dropped, since the rules were first written. */
  counts(): Promise<PolicyCount[]>
}

/** The kernel refused the rules of the network policies. */
export class PoliciesNotWritten extends OptiFlowError {}

export const policyTable = 'optiflow-policies'

/**
 * Enforces NetworkPolicy for the pods of this node. All pods are watched from the first policy on. Disposing leaves the
 * rules in force; `removeNetworkPolicies` takes them out.
 */
export function createNetworkPolicies(options: NetworkPoliciesOptions): NetworkPolicies {
  const { informers, nodeName, commands } = options
  const table = options.table ?? policyTable
  const policies = informers.for(NetworkPolicy)
  const stop = new AbortController()
  /** Of each network's rules as they were last planned. */
  const counted = new Map<string, PolicyTable['counted']>()
  const keepers = options.podCidrs.map(
    podCidr =>
      new NftKeeper({
        ...options,
        table,
        family: familyOf(podCidr),
        what: 'rules of the network policies',
        plan: () => plan(podCidr),
        refused: cause =>
          new PoliciesNotWritten(`cannot write the network policies to nftables table ${table}`, {
            cause,
            hint: 'nft needs root and a kernel with nf_tables.',
          }),
      }),
  )
  const changed = () => {
    for (const keeper of keepers) keeper.changed()
  }
  const handler = { added: changed, updated: changed, deleted: changed }
  const ends = [policies.subscribe(handler)]
  let following = false

  async function plan(podCidr: string): Promise<NftTable | undefined> {
    if (!policies.synced) return undefined
    if (policies.list().length === 0) return remember(podCidr, withoutPolicies())
    const pods = informers.for(Pod)
    const namespaces = informers.for(Namespace)
    if (!following) {
      following = true
      ends.push(pods.subscribe(handler), namespaces.subscribe(handler))
    }
    await Promise.all([pods.ready(stop.signal), namespaces.ready(stop.signal)])
    const world = { policies: policies.list(), namespaces: namespaces.list(), pods: pods.list() }
    return remember(podCidr, planPolicyRules({ ...world, nodeName, podCidr }))
  }

  function remember(podCidr: string, planned: PolicyTable): NftTable {
    counted.set(podCidr, planned.counted)
    return planned
  }

  return {
    async ready(signal) {
      await policies.ready(signal)
      await Promise.all(keepers.map(keeper => keeper.now()))
    },
    counts: () =>
      readPolicyCounts(
        commands,
        table,
        options.podCidrs.map(familyOf),
        new Map([...counted.values()].flatMap(one => [...one])),
      ),
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const end of ends) end()
      for (const keeper of keepers) await keeper[Symbol.asyncDispose]()
    },
  }
}

const familyOf = (podCidr: string): NftFamily => (podCidr.includes(':') ? 'ip6' : 'ip')

/** Takes our table out of the kernel; no table is fine. */
export async function removeNetworkPolicies(commands: Commands, table = policyTable): Promise<void> {
  await removeNftTable(commands, table)
}
