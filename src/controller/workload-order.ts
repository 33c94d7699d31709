import type { Cache } from '../client/reconciler.ts'
import { conditionOf } from '../models/conditions.ts'
import { CronJob, Deployment, Job, Workload } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import type { Problem } from '../models/pod-problem.ts'

/** Those that wait for a Workload. */
export function dependentsOf({ metadata }: Workload, cache: Cache): ObjectKey[] {
  return cache
    .list(Workload, metadata.namespace)
    .filter(w => w.spec.dependsOn?.includes(metadata.name))
    .map(keyOf)
}

/** What keeps a Workload from starting; once it has started, nothing does: those that it needs may come and go. */
export function waitsFor(workload: Workload, cache: Cache): Problem | undefined {
  const key = keyOf(workload)
  if (!workload.spec.dependsOn?.length || hasStarted(workload, cache)) return undefined
  const circle = circleFrom(workload, cache)
  if (circle) {
    const message = `never starts, dependsOn goes in a circle: ${circle.join(' → ')}; take one of them out`
    return { weight: 100, reason: 'DependencyCircle', message }
  }
  for (const name of workload.spec.dependsOn) {
    const needed = cache.get(Workload, { namespace: key.namespace!, name })
    if (needed && conditionOf(needed.status?.conditions, 'Ready')?.status === 'True') continue
    const state = needed ? (needed.status?.message ?? 'starting') : 'there is no such Workload'
    return { weight: 50, reason: 'WaitingForDependency', message: `waits for ${name}: ${state}` }
  }
  return undefined
}

function hasStarted(workload: Workload, cache: Cache): boolean {
  const key = keyOf(workload)
  const ran = workload.status?.rolledOutRevision !== undefined
  return (
    ran || !!(cache.get(Deployment, key) ?? cache.get(CronJob, key) ?? cache.ownedBy(Job, workload.metadata.uid)[0])
  )
}

/** The way from a Workload back to itself. */
function circleFrom(workload: Workload, cache: Cache): string[] | undefined {
  const { name: start, namespace } = workload.metadata
  const seen = new Set<string>()
  const ways = [[start]]
  for (let way = ways.shift(); way; way = ways.shift()) {
    const at = cache.get(Workload, { namespace: namespace!, name: way.at(-1)! })
    for (const next of at?.spec.dependsOn ?? []) {
      if (next === start) return [...way, next]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}
