import { Gauge, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { SliceMonitor, SliceReport } from '../../discovery/index.ts'
import { keyText } from '../../models/object.ts'

/** How endpoints and their slices do, under the names of Kubernetes' EndpointSlice controller. */
export function sliceMetrics(registry: Registry): SliceMonitor {
  const services = new Map<string, SliceReport>()
  const named = (name: string, help: string) => ({
    ...{ registers: [registry], name: `endpoint_slice_controller_${name}`, help },
  })
  const sum = (name: string, help: string, of: (report: SliceReport) => number) =>
    new Gauge({
      ...named(name, help),
      collect() {
        this.set([...services.values()].reduce((total, report) => total + of(report), 0))
      },
    })
  sum('endpoints_desired', 'Endpoints that there should be.', r => r.desired)
  sum('num_endpoint_slices', 'Slices that there are.', r => r.slices)
  sum('desired_endpoint_slices', 'Slices that would do.', r => r.wantedSlices)
  const buckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]
  const added = new TallyHistogram({
    ...named('endpoints_added_per_sync', 'Endpoints that came in one look.'),
    buckets,
  })
  const removed = new TallyHistogram({
    ...named('endpoints_removed_per_sync', 'Endpoints that went in one look.'),
    buckets,
  })
  const changes = new TallyCounter({ ...named('changes', 'Slices that were written.'), labelNames: ['operation'] })
  const syncs = new TallyCounter({ ...named('syncs', 'Looks at Services.'), labelNames: ['result'] })
  return {
    synced(service, report) {
      services.set(keyText(service), report)
      added.of().observe(report.added)
      removed.of().observe(report.removed)
      for (const [operation, count] of Object.entries(report.changes)) if (count) changes.of({ operation }).inc(count)
      syncs.of({ result: 'success' }).inc()
    },
    failed: () => syncs.of({ result: 'error' }).inc(),
    forgotten: service => void services.delete(keyText(service)),
  }
}
