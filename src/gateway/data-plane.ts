import { OptiFlowError } from '../base/errors.ts'
import { portAt } from './port-space.ts'
import type { Certificate, RoutingTable } from './routing-table.ts'

export interface Address {
  host: string
  /** 0: any free one. */
  port: number
}

/** Where ports 80 and 443 are served. */
export interface Doors {
  plain: Address
  /** Without it no https. */
  secure?: Address | undefined
  /** They are had from the start and for good; otherwise only while something is to be served there. */
  held: boolean
}

/** The gateway cannot listen. */
export class GatewayFailed extends OptiFlowError {}

/** What carries requests: our own proxy, or another program that is told the same routes. */
export interface DataPlane extends AsyncDisposable {
  /** @throws GatewayFailed when doors that are to be held cannot be had */
  open(doors: Doors): Promise<void>
  /** Where the port at a place (see port-space.ts) that listeners name is really served; undefined: nowhere. */
  realPort(place: number): number | undefined
  /** Places of ports of the table that the machine does not give, with the code of the error: `EADDRINUSE`. Each call of `serve` tries again. */
  readonly missing: ReadonlyMap<number, string>
  /** From now on requests are led by this table. @param answers by path: what is answered before all routes */
  serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void>
  /** Shows this one, from now on, for names without a certificate of their own. */
  useOwnCertificate(certificate: Certificate): Promise<void>
}

/** Where the port at a place that listeners name is to be served; undefined: nowhere. */
export function addressOf({ plain, secure }: Doors, place: number): Address | undefined {
  if (place === 80) return plain
  return place === 443 ? secure : { host: plain.host, port: portAt(place) }
}
