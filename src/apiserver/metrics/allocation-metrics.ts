import { Gauge, type Registry } from 'prom-client'
import { TallyCounter } from '../../base/tallies.ts'

/** Something that Services get: an address of a range, or a node port. */
export interface Allocated {
  /** The range of an address; undefined: a port. */
  cidr: string | undefined
  /** Its writer named it, or left the choice to the server. */
  scope: 'static' | 'dynamic'
}

export interface Occupancy {
  /** By range, the main one first. */
  addresses: { cidr: string; taken: number; free: number }[]
  ports: { taken: number; free: number }
}

/** What `kube-apiserver` counts of cluster IPs and node ports, under its names and labels. */
export class AllocationMetrics {
  readonly #counters: Record<'clusterip' | 'nodeport', { done: TallyCounter; failed: TallyCounter }>

  /** @param occupancy counted anew when somebody asks */
  constructor(registers: Registry[], occupancy: () => Occupancy) {
    const name = (whose: string, what: string) => `kube_apiserver_${whose}_allocator_${what}`
    const counters = (whose: string, things: string, labelNames: string[]) => {
      const counter = (what: string, help: string) =>
        new TallyCounter({ name: name(whose, what), help, labelNames, registers })
      return {
        done: counter('allocation_total', `${things} that Services got.`),
        failed: counter('allocation_errors_total', `${things} that Services could not get.`),
      }
    }
    this.#counters = {
      clusterip: counters('clusterip', 'Cluster IPs', ['cidr', 'scope']),
      nodeport: counters('nodeport', 'Node ports', ['scope']),
    }
    const addresses = (what: string, help: string, of: 'taken' | 'free') =>
      new Gauge({
        ...{ name: name('clusterip', what), help, labelNames: ['cidr'], registers },
        collect() {
          for (const { cidr, ...counts } of occupancy().addresses) this.set({ cidr }, counts[of])
        },
      })
    addresses('allocated_ips', 'Cluster IPs that Services have.', 'taken')
    addresses('available_ips', 'Cluster IPs that are left.', 'free')
    const ports = (what: string, help: string, of: 'taken' | 'free') =>
      new Gauge({
        ...{ name: name('nodeport', what), help, registers },
        collect() {
          this.set(occupancy().ports[of])
        },
      })
    ports('allocated_ports', 'Node ports that Services have.', 'taken')
    ports('available_ports', 'Node ports that are left.', 'free')
  }

  got(what: Allocated): void {
    this.#count('done', what)
  }

  failed(what: Allocated): void {
    this.#count('failed', what)
  }

  #count(outcome: 'done' | 'failed', { cidr, scope }: Allocated): void {
    if (cidr === undefined) this.#counters.nodeport[outcome].of({ scope }).inc()
    else this.#counters.clusterip[outcome].of({ cidr, scope }).inc()
  }
}
