import { type AgentServer, delegatedAccess, openAgentServer } from '../agent/index.ts'
import { codeOf } from '../base/errors.ts'
import type { Client } from '../client/index.ts'
import type { NodeKeys } from './node-keys.ts'
import type { nodePortOptions } from './node-settings.ts'
import type { OutsideWorld } from './outside.ts'

export interface AgentServerOptions {
  host: string
  /** Another free one is taken when it is in use: the node tells the API which. */
  port: number
  keys: NodeKeys
  /** Asks the API who calls and whether they may. */
  client: Client
  outside: OutsideWorld
  /** How it is spoken to, and what it does not answer. */
  settings?: ReturnType<typeof nodePortOptions>
}

/** The TLS server that answers for the nodes of this process: logs, exec, metrics. */
export async function startAgentServer({
  host,
  port,
  keys,
  client,
  outside,
  settings = {},
}: AgentServerOptions): Promise<AgentServer> {
  const open = async (at: number) => {
    const tls = { ...keys.server, clientCa: keys.ca }
    const access = delegatedAccess(client, outside.clock)
    const server = await openAgentServer({ host, port: at, tls, access, log: outside.log, ...settings })
    keys.followServer(pair => server.useCertificate({ ...pair, clientCa: keys.ca }))
    return server
  }
  try {
    return await open(port)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    outside.log.info({ port }, 'port in use by another agent, taking a free one')
    return open(0)
  }
}
