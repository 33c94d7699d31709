import { Gauge, Registry } from 'prom-client'
import { afterThisTurn } from '../../base/clock.ts'
import { TallyFamily } from '../../base/tallies.ts'
import { versionInfo } from '../health/version.ts'
import type { ResourcePath } from '../request-info.ts'
import type { ResourceTable } from '../resources.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { AccessMetrics } from './access-metrics.ts'
import { featureMetric } from './features.ts'
import { HealthMetrics } from './health-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { ReadMetrics } from './read-metrics.ts'
import { RequestMetrics } from './request-metrics.ts'

/** The server's own measurements, under the names that dashboards for Kubernetes look for. */
export class Metrics {
  readonly registry: Registry
  readonly requests: RequestMetrics
  readonly reads: ReadMetrics
  readonly access: AccessMetrics
  readonly health = new HealthMetrics()

  constructor(resources: ResourceTable, registry = new Registry()) {
    this.registry = registry
    for (const metric of processMetrics()) registry.registerMetric(metric)
    this.requests = new RequestMetrics([registry], path => isServed(resources, path))
    this.reads = new ReadMetrics([registry])
    this.access = new AccessMetrics([registry])
    featureMetric(registry)
    new Gauge({
      name: 'kubernetes_build_info',
      help: 'Always 1; the labels say which program this is.',
      labelNames: Object.keys(buildLabels()),
      registers: [registry],
    }).set(buildLabels(), 1)
  }

  /** Tells of the objects in the cache and of those who watch it. */
  follow(cache: WatchCache): void {
    const registers = [this.registry]
    new Gauge({
      name: 'apiserver_storage_objects',
      help: 'Stored objects by resource.',
      labelNames: ['resource'],
      registers,
      collect() {
        for (const { resource, objects } of cache.counts()) this.set({ resource }, objects)
      },
    })
    new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Watches that are open, by resource.',
      labelNames: ['verb', 'group', 'resource', 'component'],
      registers,
      collect() {
        for (const { resource, watchers } of cache.counts()) {
          const dot = resource.indexOf('.')
          const [plural, group] = dot < 0 ? [resource, ''] : [resource.slice(0, dot), resource.slice(dot + 1)]
          this.set({ verb: 'WATCH', group, resource: plural, component: 'apiserver' }, watchers)
        }
      },
    })
    new Gauge({
      name: 'apiserver_storage_unreadable_objects',
      help: 'Objects in the store that cannot be decoded, as far as they were met.',
      registers,
      collect() {
        this.set(cache.unreadableCount)
      },
    })
    new Gauge({
      name: 'apiserver_watch_cache_resource_version',
      help: 'Newest revision that readers see.',
      labelNames: ['resource'],
      registers,
      collect() {
        this.set({ resource: 'all' }, cache.revision)
      },
    })
  }

  /** Part by part, others being served between: together they hold the loop for a quarter of a second once all was asked for. */
  async text(): Promise<string> {
    const texts: string[] = []
    for (const metric of this.registry.getMetricsAsArray()) {
      let text = ''
      const parts = tallied(metric)?.texts() ?? [await this.registry.getSingleMetricAsString(metric.name)]
      for (const part of parts) {
        text += part
        await new Promise<void>(afterThisTurn)
      }
      texts.push(text)
    }
    return `${texts.join('\n\n')}\n`
  }
}

const tallied = (metric: unknown) => (metric instanceof TallyFamily ? metric : undefined)

function isServed(resources: ResourceTable, { group, version, plural, subresource }: ResourcePath): boolean {
  const kind = resources.find(group, version, plural)?.kind
  return (
    kind !== undefined && (!subresource || (kind.subresources as string[] | undefined)?.includes(subresource) === true)
  )
}

function buildLabels(): Record<string, string> {
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionInfo
  return {
    major,
    minor,
    git_version: gitVersion,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    build_date: buildDate,
    go_version: goVersion,
    compiler,
    platform,
  }
}
