import type { Engine } from '../plan/engine.ts'
import type { PathMatch, Route, RouteAction, ValueTest } from '../routing-table.ts'
import { isPlainPattern } from './words.ts'

/** What HAProxy does not do for us. It is told in the status of the route or policy that asks for it. */
export const haproxyEngine: Engine = {
  cannot: ({ match, action }) => {
    const [gap] = [...(match ? matchGaps(match) : []), ...actionGaps(action)]
    return gap && `the HAProxy engine has no ${gap}`
  },
  leadsOn: new Set(['TCP']),
}

function matchGaps({ path, headers = [], query = [] }: Route['match']): string[] {
  const patterns = [patternOf(path), ...[...headers, ...query].map(patternOf)]
  const odd = patterns.find(pattern => pattern !== undefined && !isPlainPattern(pattern))
  return odd === undefined ? [] : [`pattern such as ${odd}`]
}

const patternOf = (part: PathMatch | ValueTest) =>
  'type' in part ? (part.type === 'Pattern' ? part.path : undefined) : part.pattern

function actionGaps({ mirrors, cors, requestMs, backends, policy }: Omit<RouteAction, 'route'>): string[] {
  const gaps: string[] = []
  if (mirrors?.length) gaps.push('mirroring')
  if (cors) gaps.push('CORS filter')
  if (requestMs ?? policy?.requestMs)
    gaps.push('time limit for a whole request (timeouts.request); it has timeouts.backend')
  if (backends.some(({ requestHeaders, responseHeaders }) => requestHeaders || responseHeaders))
    gaps.push('filters for single backends')
  if (new Set(backends.map(({ backend }) => !!backend.h2c)).size > 1)
    gaps.push('mixture of HTTP/1.1 and HTTP/2 backends')
  for (const { basic, jwt, forward } of policy?.guards ?? []) if (basic || jwt || forward) gaps.push('authentication')
  if ((policy?.guards.filter(guard => guard.rateLimit).length ?? 0) > 1) gaps.push('second rate limit for one route')
  if (policy?.accessLog) gaps.push('access log for single routes')
  return gaps
}
