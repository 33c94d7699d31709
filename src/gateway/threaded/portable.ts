import type { PathMatch, Route, RoutingTable, ValueTest } from '../routing-table.ts'
import { patternTest } from '../value-tests.ts'

/** A routing table that can be sent to another thread: without its tests, which are made anew there. */
export type PortableTable = RoutingTable & { portable: true }

const never = undefined as never

/** What is sent. */
export function portable(table: RoutingTable): PortableTable {
  const mapped = mapMatches(
    table,
    path => (path.type === 'Pattern' ? { ...path, test: never } : path),
    value => ({ ...value, test: never }),
  )
  return { ...mapped, portable: true }
}

/** What arrives, as it was. */
export function revived(table: PortableTable): RoutingTable {
  return mapMatches(
    table,
    path => (path.type === 'Pattern' ? { ...path, test: patternTest(path.path) } : path),
    value => {
      const { exact, pattern } = value
      return { ...value, test: pattern === undefined ? text => text === exact : patternTest(pattern) }
    },
  )
}

function mapMatches(
  { ports }: RoutingTable,
  ofPath: (path: PathMatch) => PathMatch,
  ofValue: (value: ValueTest) => ValueTest,
): RoutingTable {
  const ofRoute = ({ match, action }: Route): Route => ({
    action,
    match: {
      ...match,
      path: ofPath(match.path),
      ...(match.headers ? { headers: match.headers.map(ofValue) } : {}),
      ...(match.query ? { query: match.query.map(ofValue) } : {}),
    },
  })
  return {
    ports: new Map(
      [...ports].map(([port, routes]) => [
        port,
        { ...routes, hosts: new Map([...routes.hosts].map(([host, list]) => [host, list.map(ofRoute)])) },
      ]),
    ),
  }
}
