import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { ListenHttp } from '../base/http-listener.ts'
import type { Logger } from '../base/logger.ts'
import { NftKeeper, removeNftTable } from '../base/nft-keeper.ts'
import type { NftFamily } from '../base/nft-table.ts'
import type { InformerSet } from '../client/index.ts'
import { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { checkedServices, HealthCheckPorts } from './health-check-ports.ts'
import { emptyRules, planServiceRules } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'
import { StaleFlows } from './stale-flows.ts'

export interface ServiceProxyOptions {
  nodeName: string
  informers: InformerSet
  commands: Commands
  clock: Clock
  log: Logger
  /** Addresses of pods, as `--cluster-cidr` has them. */
  podCidrs: readonly string[]
  listen: ListenHttp
  /** nftables table that is ours alone. */
  table?: string
}

export interface ServiceProxy extends AsyncDisposable {
  /** Resolves when the rules of all Services known at the call are in the kernel. @throws ProxyFailed */
  ready(signal?: AbortSignal): Promise<void>
}

/** The kernel refused our rules. */
export class ProxyFailed extends OptiFlowError {}

export const serviceTable = 'optiflow-services'

/**
 * Keeps the node's nftables rules such that every Service's address and port leads to its ready endpoints. Disposing
 * leaves the rules, so that Services answer while we are away; `removeServiceRules` takes them out.
 */
export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const table = options.table ?? serviceTable
  const { nodeName, podCidrs, commands, log } = options
  const node = options.informers.for(Node, { fieldSelector: `metadata.name=${nodeName}` })
  const services = options.informers.for(Service)
  const slices = options.informers.for(EndpointSlice)
  const checks = new HealthCheckPorts(options.listen, log)
  const families = podCidrs.map((cidr): NftFamily => (cidr.includes(':') ? 'ip6' : 'ip'))
  const keepers = families.map(keeperOf)
  const changed = () => {
    for (const keeper of keepers) keeper.changed()
  }

  function keeperOf(family: NftFamily): NftKeeper {
    const flows = new StaleFlows(commands, log, family)
    let rules = emptyRules()
    return new NftKeeper({
      ...options,
      table,
      family,
      what: 'service rules',
      plan() {
        if (!services.synced || !slices.synced || !node.synced) return undefined
        const zone = node.get({ name: nodeName })?.metadata.labels?.['topology.kubernetes.io/zone']
        const all = { services: services.list(), slices: slices.list() }
        rules = planServiceRules({ ...all, family, nodeName, podCidrs, zone })
        if (family === families[0]) void checks.follow(checkedServices(all.services, all.slices, nodeName))
        return serviceTableOf(rules, family)
      },
      applied: () => flows.follow(rules),
      refused: cause =>
        new ProxyFailed(`cannot write service rules to nftables table ${table}`, {
          cause,
          hint: 'nft needs root and a kernel with nf_tables.',
        }),
    })
  }

  const handler = { added: changed, updated: changed, deleted: changed }
  const unsubscribe = [services.subscribe(handler), slices.subscribe(handler), node.subscribe(zoneChanged(changed))]
  return {
    async ready(signal) {
      await Promise.all([services.ready(signal), slices.ready(signal), node.ready(signal)])
      await Promise.all(keepers.map(keeper => keeper.now()))
    },
    async [Symbol.asyncDispose]() {
      for (const end of unsubscribe) end()
      for (const keeper of keepers) await keeper[Symbol.asyncDispose]()
      await checks[Symbol.asyncDispose]()
    },
  }
}

/** A node's heartbeats change nothing here. */
function zoneChanged(changed: () => void) {
  const zoneOf = (node: Node) => node.metadata.labels?.['topology.kubernetes.io/zone']
  return {
    added: changed,
    updated: (node: Node, old: Node) => void (zoneOf(node) !== zoneOf(old) && changed()),
    deleted: () => {},
  }
}

/** Takes our table out of the kernel; no table is fine. */
export async function removeServiceRules(commands: Commands, table = serviceTable): Promise<void> {
  await removeNftTable(commands, table)
}
