import type { Connection } from './connection.ts'

interface StatusReply {
  status: { conditions: { type: string; status: boolean; reason: string; message: string }[] }
}

/** What the runtime says of itself and of the network of its pods. @throws RuntimeUnavailable, CallFailed */
export async function readStatus(connection: Connection) {
  const { status } = await connection.runtime<StatusReply>('Status', {}, { timeoutMs: 10_000 })
  const find = (type: string) => status.conditions.find(condition => condition.type === type)
  const bad = status.conditions.filter(condition => !condition.status)
  return {
    runtimeReady: find('RuntimeReady')?.status ?? false,
    networkReady: find('NetworkReady')?.status ?? false,
    // As a kubelet writes a condition into the node's.
    message: bad.map(({ type, reason, message }) => `${type}=false reason:${reason} message:${message}`).join(', '),
  }
}
