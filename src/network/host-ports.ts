import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { NftKeeper, removeNftTable } from '../base/nft-keeper.ts'
import type { NftFamily } from '../base/nft-table.ts'
import { UdpFlows } from '../base/udp-flows.ts'
import type { InformerSet } from '../client/index.ts'
import { hostPortsOf, type OpenHostPorts } from '../models/host-ports.ts'
import { Pod } from '../models/kinds/index.ts'
import { type LedPod, planHostPorts, tableOfHostPorts, udpTargets } from './host-port-rules.ts'
import { NetworkFailed } from './node-preparation.ts'
import { refusePortsInUse } from './ports-in-use.ts'

export interface HostPortsOptions {
  nodeName: string
  /** Those that pods have addresses of. */
  families: readonly NftFamily[]
  /** Where the cluster's DNS answers on this node: no host port takes it. */
  dnsIp: string
  informers: InformerSet
  commands: Commands
  disk: Disk
  clock: Clock
  log: Logger
  /** nftables table that is ours alone. */
  table?: string
}

export const hostPortTable = 'optiflow-host-ports'

/**
 * Keeps the node's host ports leading to its pods. Without such pods the kernel has no rule of it. Disposing leaves the rules in
 * force; `removeHostPorts` takes them out.
 */
export class HostPorts implements AsyncDisposable {
  readonly #keepers: readonly NftKeeper[]
  readonly #end: () => void
  readonly #refuseTaken: (pod: Pod) => Promise<void>
  /** Pods whose containers start, by namespace and name: their status does not tell the address yet, or an older one. */
  readonly #opened = new Map<string, LedPod>()

  constructor(options: HostPortsOptions) {
    const pods = options.informers.for(Pod, { fieldSelector: `spec.nodeName=${options.nodeName}` })
    this.#refuseTaken = pod => refusePortsInUse(options.disk, hostPortsOf(pod), options.nodeName)
    this.#keepers = options.families.map(family => keeperOf(family, options, () => this.#pods(pods.list())))
    const look = (pod: Pod) => {
      if (hostPortsOf(pod).length) this.#changed()
    }
    this.#end = pods.subscribe({
      added: look,
      updated: look,
      deleted: pod => {
        this.#opened.delete(nameOf(pod))
        look(pod)
      },
    })
  }

  /** @throws HostPortInUse, NetworkFailed */
  readonly open: OpenHostPorts = async (pod, ips) => {
    const opened = this.#opened.get(nameOf(pod))
    if (!opened || opened.pod.metadata.uid !== pod.metadata.uid) await this.#refuseTaken(pod)
    this.#opened.set(nameOf(pod), { pod, ips })
    for (const keeper of this.#keepers) await keeper.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
    for (const keeper of this.#keepers) await keeper[Symbol.asyncDispose]()
  }

  #changed(): void {
    for (const keeper of this.#keepers) keeper.changed()
  }

  #pods(known: readonly Pod[]): LedPod[] {
    const told = known.map(pod => {
      const opened = this.#opened.get(nameOf(pod))
      const ips = (pod.status?.podIPs ?? []).map(({ ip }) => ip)
      return { pod, ips: opened && isSame(opened.pod, pod) ? opened.ips : ips }
    })
    const names = new Set(known.map(nameOf))
    // A static pod may run before the API knows of it.
    return [...told, ...[...this.#opened.values()].filter(({ pod }) => !names.has(nameOf(pod)))]
  }
}

const nameOf = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`
const mirrorAnnotation = 'kubernetes.io/config.mirror'
/** The API's object of a static pod has another uid. */
const isSame = (opened: Pod, { metadata }: Pod) =>
  opened.metadata.uid === metadata.uid || metadata.annotations?.[mirrorAnnotation] === opened.metadata.uid

function keeperOf(family: NftFamily, options: HostPortsOptions, pods: () => LedPod[]): NftKeeper {
  const { commands, log, dnsIp, nodeName, table = hostPortTable } = options
  const flows = new UdpFlows(commands, log, family)
  let before = planHostPorts([], family)
  let planned = before
  return new NftKeeper({
    ...options,
    table,
    family,
    what: 'rules of host ports',
    plan() {
      planned = planHostPorts(pods(), family)
      return tableOfHostPorts(planned, family, dnsIp)
    },
    async applied() {
      const after = planned
      await flows.moved(udpTargets(before), udpTargets(after))
      before = after
    },
    refused: cause =>
      new NetworkFailed(`cannot lead host ports to pods of node ${nodeName}`, {
        cause,
        hint: 'The node needs root, nftables and a kernel with nf_tables.',
      }),
  })
}

/** Takes our table out of the kernel; no table is fine. */
export const removeHostPorts = (commands: Commands, table = hostPortTable) => removeNftTable(commands, table)
