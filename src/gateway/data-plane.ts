import { OptiFlowError } from '../base/errors.ts'
import type { RoutingTable } from './routing-table.ts'

export interface Address {
  host: string
  /** 0: any free one. */
  port: number
}

/** The gateway cannot listen. */
export class GatewayFailed extends OptiFlowError {}

/** What carries requests: our own proxy, or another program that is told the same routes. */
export interface DataPlane extends AsyncDisposable {
  /** Listens where 80 and, if it is named, 443 are to be served. @throws GatewayFailed */
  open(plain: Address, secure: Address | undefined): Promise<void>
  /** Where a port that listeners name is really served; undefined: nowhere. */
  realPort(port: number): number | undefined
  /** From now on requests are led by this table. @param answers by path: what is answered before all routes */
  serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void>
}
