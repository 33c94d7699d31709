import type { AgentMetrics } from '../agent/index.ts'
import type { Client } from '../client/index.ts'
import type { NodeKeys } from './node-keys.ts'
import type { OutsideWorld } from './outside.ts'
import type { Report } from './part.ts'
import type { Settings } from './settings.ts'

export interface NodeOptions {
  settings: Settings
  client: Client
  /** Sees all pods, to enforce network policies. */
  networkClient: Client
  /** Address at which the others reach this node. */
  nodeIp: string
  keys: NodeKeys
  /** Counts the calls of `client` already. */
  metrics: AgentMetrics
  outside: OutsideWorld
  report: Report
  signal: AbortSignal
}
