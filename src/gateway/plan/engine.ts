import type { Route, RouteAction } from '../routing-table.ts'

/** What carries the routes out, as far as plans must know. */
export interface Engine {
  /** What it cannot do of a route or policy, in words. */
  cannot(route: { match?: Route['match']; action: Omit<RouteAction, 'route'> }): string | undefined
  /** What it leads on as it comes, by the protocol of the listener. */
  leadsOn: ReadonlySet<'TLS' | 'TCP' | 'UDP'>
}

/** Our own proxy, which does everything that a plan can say. */
export const embeddedEngine: Engine = {
  cannot: () => undefined,
  leadsOn: new Set(['TLS', 'TCP', 'UDP']),
}
