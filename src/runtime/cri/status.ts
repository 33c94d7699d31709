import type { RuntimeStatus } from '../runtime.ts'
import type { Connection } from './connection.ts'

interface StatusReply {
  status: { conditions: { type: string; status: boolean; reason: string; message: string }[] }
  runtime_handlers: {
    name: string
    features: { recursive_read_only_mounts: boolean; user_namespaces: boolean } | null
  }[]
}

/** What the runtime says of itself and of the network of its pods. @throws RuntimeUnavailable, CallFailed */
export async function readStatus(connection: Pick<Connection, 'runtime'>): Promise<RuntimeStatus> {
  const { status, runtime_handlers } = await connection.runtime<StatusReply>('Status', {}, { timeoutMs: 10_000 })
  const find = (type: string) => status.conditions.find(condition => condition.type === type)
  const bad = status.conditions.filter(condition => !condition.status)
  return {
    runtimeReady: find('RuntimeReady')?.status ?? false,
    networkReady: find('NetworkReady')?.status ?? false,
    // As a kubelet writes a condition into the node's.
    message: bad.map(({ type, reason, message }) => `${type}=false reason:${reason} message:${message}`).join(', '),
    handlers: runtime_handlers.map(({ name, features }) => ({
      name,
      recursiveReadOnlyMounts: features?.recursive_read_only_mounts ?? false,
      userNamespaces: features?.user_namespaces ?? false,
    })),
  }
}
