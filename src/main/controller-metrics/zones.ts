import { Gauge, type Registry } from 'prom-client'
import { TallyCounter } from '../../base/tallies.ts'
import type { ZoneMetrics } from '../../controller/index.ts'

/** How the zones of the cluster do, under the names of Kubernetes' node lifecycle controller. A zone is `region/zone`. */
export function zoneMetrics(registry: Registry): ZoneMetrics {
  const common = { labelNames: ['zone'], registers: [registry] }
  const size = new Gauge({ ...common, name: 'node_collector_zone_size', help: 'Nodes of a zone.' })
  const health = new Gauge({ ...common, name: 'node_collector_zone_health', help: 'Percent of them that are ready.' })
  const unhealthy = new Gauge({
    ...{ ...common, name: 'node_collector_unhealthy_nodes_in_zone', help: 'Nodes of a zone that are not ready.' },
  })
  const evictions = new TallyCounter({
    ...{ ...common, name: 'node_collector_evictions_total', help: 'Nodes whose pods were made to leave.' },
  })
  return {
    counted(zone, nodes, ready) {
      size.set({ zone }, nodes)
      health.set({ zone }, nodes ? (100 * ready) / nodes : 0)
      unhealthy.set({ zone }, nodes - ready)
    },
    evicted: zone => evictions.of({ zone }).inc(),
  }
}
