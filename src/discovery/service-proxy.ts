import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { ListenHttp } from '../base/http-listener.ts'
import type { Logger } from '../base/logger.ts'
import { NftKeeper, removeNftTable } from '../base/nft-keeper.ts'
import type { NftFamily } from '../base/nft-table.ts'
import { UdpFlows } from '../base/udp-flows.ts'
import type { InformerHandler, InformerSet } from '../client/index.ts'
import { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { zoneOf } from './endpoint-choice.ts'
import { checkedServices, HealthCheckPorts } from './health-check-ports.ts'
import { ProxyHealth } from './proxy-health.ts'
import { type RuleChange, RulePieces } from './rule-pieces.ts'
import { serviceTableOf } from './service-table.ts'
import { udpTargets } from './udp-targets.ts'

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
  const health = new ProxyHealth(options.listen, options.clock, log)
  const families = podCidrs.map((cidr): NftFamily => (cidr.includes(':') ? 'ip6' : 'ip'))
  slices.addIndex(ofService, slice => [serviceOf(slice) ?? []].flat())
  const proxies = families.map(proxyOf)
  const each = (act: (pieces: RulePieces) => void) => {
    for (const { pieces, keeper } of proxies) {
      act(pieces)
      keeper.changed()
    }
  }

  function proxyOf(family: NftFamily): { pieces: RulePieces; keeper: NftKeeper } {
    const flows = new UdpFlows(commands, log, family)
    let moves: RuleChange[] = []
    const pieces = new RulePieces({
      ids: () => services.list().map(idOf),
      service: id => services.get(keyOfId(id)),
      slices: id => slices.byIndex(ofService, id),
      rest: () => ({ family, nodeName, podCidrs, zone: zoneOf(node.get({ name: nodeName })) }),
    })
    function refresh(): RuleChange {
      const move = pieces.refresh()
      moves.push(move)
      if (family === families[0]) void checks.follow(checkedServices(services.list(), slices.list(), nodeName))
      return move
    }
    const keeper = new NftKeeper({
      ...options,
      table,
      family,
      what: 'service rules',
      plan() {
        if (!services.synced || !slices.synced || !node.synced) return undefined
        refresh()
        return serviceTableOf(pieces.whole(), family)
      },
      changes() {
        const { before, after } = refresh()
        return { before: serviceTableOf(before, family), after: serviceTableOf(after, family) }
      },
      async applied() {
        const done = moves
        moves = []
        health.updated()
        for (const { before, after } of done) await flows.moved(udpTargets(before), udpTargets(after))
      },
      refused: cause =>
        new ProxyFailed(`cannot write service rules to nftables table ${table}`, {
          cause,
          hint: 'nft needs root and a kernel with nf_tables.',
        }),
    })
    return { pieces, keeper }
  }

  const touched = (id: string | undefined) => id && each(pieces => pieces.touch(id))
  const unsubscribe = [
    services.subscribe(handlerOf(service => touched(idOf(service)))),
    slices.subscribe(handlerOf(slice => touched(serviceOf(slice)))),
    node.subscribe(zoneChanged(() => each(pieces => pieces.touchAll()))),
  ]
  return {
    async ready(signal) {
      await Promise.all([services.ready(signal), slices.ready(signal), node.ready(signal)])
      await Promise.all(proxies.map(({ keeper }) => keeper.now()))
    },
    async [Symbol.asyncDispose]() {
      for (const end of unsubscribe) end()
      for (const { keeper } of proxies) await keeper[Symbol.asyncDispose]()
      await checks[Symbol.asyncDispose]()
      await health[Symbol.asyncDispose]()
    },
  }
}

const ofService = 'proxy-service'
const idOf = ({ metadata }: Service): string => `${metadata.namespace}/${metadata.name}`

function keyOfId(id: string): { namespace: string; name: string } {
  const [namespace, name] = id.split('/') as [string, string]
  return { namespace, name }
}

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? `${metadata.namespace}/${name}` : undefined
}

/** Also what an object was about before concerns us. */
function handlerOf<T>(look: (object: T) => void): InformerHandler<T> {
  return {
    added: look,
    updated(now, old) {
      look(old)
      look(now)
    },
    deleted: look,
  }
}

/** A node's heartbeats change nothing here. */
function zoneChanged(changed: () => void): InformerHandler<Node> {
  return {
    added: changed,
    updated: (node, old) => void (zoneOf(node) !== zoneOf(old) && changed()),
    deleted: () => {},
  }
}

/** Takes our table out of the kernel; no table is fine. */
export async function removeServiceRules(commands: Commands, table = serviceTable): Promise<void> {
  await removeNftTable(commands, table)
}
