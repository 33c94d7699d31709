import { type Clock, every } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type MachinePort, machinePorts } from '../base/machine-ports.ts'
import type { EventRecorder, Informer, InformerSet } from '../client/index.ts'
import { Service } from '../models/kinds/index.ts'

/** A port of the node that a Service answers. */
export interface EntrancePort extends MachinePort {
  /** As people know it: `nodePort`. */
  what: string
}

/** At which ports of this node others reach the Service: those whose programs would hear nothing any more. Pure. */
export function entrancesOf({ spec, status }: Service, nodeIps: readonly string[]): EntrancePort[] {
  const at = (addresses: readonly (string | undefined)[]) => addresses.filter(ip => ip && nodeIps.includes(ip))
  const balanced = at((status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip))
  const outside = at(spec.externalIPs ?? [])
  return (spec.ports ?? []).flatMap(({ port, nodePort, protocol: given = 'TCP' }) => {
    const protocol = given as MachinePort['protocol']
    return [
      ...(nodePort ? [{ what: 'nodePort', protocol, port: nodePort, address: '' }] : []),
      ...balanced.map(address => ({ what: 'load balancer port', protocol, port, address: address! })),
      ...outside.map(address => ({ what: 'port of externalIPs', protocol, port, address: address! })),
    ]
  })
}

export interface TakenPortsOptions {
  nodeName: string
  /** At which others reach this node. */
  nodeIps: readonly string[]
  informers: InformerSet
  events: EventRecorder
  disk: Disk
  clock: Clock
  log: Logger
}

/** Several changes are looked at together. */
const settleMs = 1_000
/** A program may come later than the Service. */
const againMs = 300_000

/**
 * Tells of Services whose ports on this node programs of the machine listen at: the Service gets the connections, and the program none,
 * which neither would say.
 */
export class TakenPorts implements AsyncDisposable {
  readonly #options: TakenPortsOptions
  readonly #stop = new AbortController()
  /** What was told, by the uid of the Service. */
  readonly #told = new Map<string, string>()
  readonly #services: Informer<Service>
  #planned = false
  #looking: Promise<void> = Promise.resolve()

  constructor(options: TakenPortsOptions) {
    this.#options = options
    const services = options.informers.for(Service)
    this.#services = services
    const textOf = (service: Service) => JSON.stringify(entrancesOf(service, options.nodeIps))
    const end = services.subscribe({
      added: service => entrancesOf(service, options.nodeIps).length > 0 && this.#plan(),
      updated: (service, old) => textOf(service) !== textOf(old) && this.#plan(),
      deleted: service => void this.#told.delete(service.metadata.uid!),
    })
    this.#stop.signal.addEventListener('abort', end)
    every(options.clock, againMs, () => this.#look(), this.#stop.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#looking
  }

  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    const cancel = this.#options.clock.schedule(settleMs, () => {
      this.#planned = false
      void this.#look()
    })
    this.#stop.signal.addEventListener('abort', cancel, { once: true })
  }

  #look(): Promise<void> {
    const { log, disk } = this.#options
    this.#looking = this.#looking.then(async () => {
      const programAt = machinePorts(disk)
      for (const service of this.#services.list()) {
        if (this.#stop.signal.aborted) return
        await this.#check(service, programAt).catch(error =>
          log.debug({ error: explain(error) }, 'ports of the machine not looked at'),
        )
      }
    })
    return this.#looking
  }

  async #check(service: Service, programAt: ReturnType<typeof machinePorts>): Promise<void> {
    const { events, nodeName, nodeIps } = this.#options
    const uid = service.metadata.uid!
    const taken: string[] = []
    for (const entrance of entrancesOf(service, nodeIps)) {
      const program = await programAt(entrance)
      if (program)
        taken.push(`${entrance.what} ${entrance.port}/${entrance.protocol} is also listened at by ${program}`)
    }
    const text = taken.join('; ')
    if (text === (this.#told.get(uid) ?? '')) return
    if (!text) return void this.#told.delete(uid)
    this.#told.set(uid, text)
    events.warning(
      service,
      'PortInUse',
      `on node ${nodeName} ${text}: who connects from elsewhere reaches the Service, not that program. Give the Service another port, or end the program`,
    )
  }
}
