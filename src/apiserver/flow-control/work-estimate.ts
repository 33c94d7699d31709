import { flag } from '../../base/query-flag.ts'
import type { Core } from '../core.ts'
import type { RequestInfo } from '../request-info.ts'

const objectsPerSeat = 100

/**
 * How many seats a request takes: one, but a list one for each hundred objects that it looks at, and so does a watch that
 * begins with all there is.
 */
export function seatsFor(core: Core, verb: string, { resource: path, query }: RequestInfo, most: number): number {
  if (!path || path.name || most === 1) return 1
  if (verb !== 'list' && !(verb === 'watch' && flag(query, 'sendInitialEvents'))) return 1
  if (/(^|,)metadata\.name==?[^,]/.test(query.get('fieldSelector') ?? '')) return 1
  const resource = core.resources.find(path.group, path.version, path.plural)
  if (!resource) return 1
  const stored = core.cache.bucket(resource).size
  const limit = Number(query.get('limit') ?? 0)
  // A page without selector is cut out; everything else is looked through.
  const selects = query.has('labelSelector') || query.has('fieldSelector')
  const looked = limit > 0 && !selects ? Math.min(limit, stored) : stored
  return Math.min(Math.max(Math.ceil(looked / objectsPerSeat), 1), most)
}
