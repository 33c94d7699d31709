import type { GatewayMetrics } from '../accounts.ts'
import type { Doors } from '../data-plane.ts'
import type { Certificate } from '../routing-table.ts'
import type { PortableTable } from './portable.ts'

/** What the thread is told to do. */
export type Order =
  | { type: 'open'; doors: Doors }
  | { type: 'serve'; table: PortableTable; answers: ReadonlyMap<string, string> }
  | { type: 'certificate'; certificate: Certificate }
  | { type: 'close' }

export interface Numbered {
  id: number
  order: Order
}

export interface Failure {
  message: string
  hint?: string | undefined
  cause?: { message: string; code: string | undefined } | undefined
}

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** One call of the metrics. */
export type Count = { [K in keyof GatewayMetrics]: [K, ...Parameters<GatewayMetrics[K]>] }[keyof GatewayMetrics]

/** What the thread says. */
export type Said =
  | { type: 'done'; id: number; ports: [listener: number, real: number][]; missing: [port: number, code: string][] }
  | { type: 'failed'; id: number; failure: Failure }
  | { type: 'log'; level: Level; fields: object; message: string }
  | { type: 'counted'; counts: Count[] }
