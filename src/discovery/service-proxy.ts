import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { NftKeeper, removeNftTable } from '../base/nft-keeper.ts'
import type { InformerSet } from '../client/index.ts'
import { EndpointSlice, Service } from '../models/kinds/index.ts'
import { planServiceRules } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'

export interface ServiceProxyOptions {
  nodeName: string
  informers: InformerSet
  commands: Commands
  clock: Clock
  log: Logger
  /** nftables table that is ours alone, family ip. */
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
  const { nodeName } = options
  const services = options.informers.for(Service)
  const slices = options.informers.for(EndpointSlice)
  const keeper = new NftKeeper({
    ...options,
    table,
    what: 'service rules',
    plan: () =>
      services.synced && slices.synced
        ? serviceTableOf(planServiceRules({ services: services.list(), slices: slices.list(), nodeName }))
        : undefined,
    refused: cause =>
      new ProxyFailed(`cannot write service rules to nftables table ${table}`, {
        cause,
        hint: 'nft needs root and a kernel with nf_tables.',
      }),
  })
  const handler = { added: keeper.changed, updated: keeper.changed, deleted: keeper.changed }
  const unsubscribe = [services.subscribe(handler), slices.subscribe(handler)]
  return {
    async ready(signal) {
      await Promise.all([services.ready(signal), slices.ready(signal)])
      await keeper.now()
    },
    async [Symbol.asyncDispose]() {
      for (const end of unsubscribe) end()
      await keeper[Symbol.asyncDispose]()
    },
  }
}

/** Takes our table out of the kernel; no table is fine. */
export async function removeServiceRules(commands: Commands, table = serviceTable): Promise<void> {
  await removeNftTable(commands, table)
}
