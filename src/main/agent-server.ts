import { type AgentServer, delegatedAccess, openAgentServer } from '../agent/index.ts'
import { codeOf } from '../base/errors.ts'
import type { Client } from '../client/index.ts'
import type { OutsideWorld } from './outside.ts'

/** PEM: the node's own certificate and key, and the authority of those who may call. */
export interface ServingKeys {
  cert: string
  key: string
  clientCa: string
}

export interface AgentServerOptions {
  host: string
  /** Another free one is taken when it is in use: the node tells the API which. */
  port: number
  keys: ServingKeys
  /** Asks the API who calls and whether they may. */
  client: Client
  outside: OutsideWorld
}

/** The TLS server that answers for the nodes of this process: logs, exec, metrics. */
export async function startAgentServer({
  host,
  port,
  keys,
  client,
  outside,
}: AgentServerOptions): Promise<AgentServer> {
  const open = (at: number) =>
    openAgentServer({ host, port: at, tls: keys, access: delegatedAccess(client, outside.clock), log: outside.log })
  try {
    return await open(port)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    outside.log.info({ port }, 'port in use by another agent, taking a free one')
    return open(0)
  }
}
