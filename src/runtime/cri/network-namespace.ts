import type { Connection } from './connection.ts'
import { goneAsUndefined } from './observer.ts'

/** Path of a sandbox's network namespace; undefined on the host's network. @throws CallFailed */
export async function networkNamespaceOf(connection: Connection, sandbox: string): Promise<string | undefined> {
  const { runtimeSpec } = await infoOf(connection, sandbox)
  return runtimeSpec?.linux?.namespaces?.find(n => n.type === 'network')?.path || undefined
}

/** What holds a sandbox open. @throws CallFailed */
export async function sandboxImageOf(connection: Connection, sandbox: string): Promise<string | undefined> {
  return (await infoOf(connection, sandbox)).image || undefined
}

/** All of it that runtimes tell in words of their own. */
async function infoOf(connection: Connection, sandbox: string): Promise<RuntimeInfo> {
  const { info } = await connection.runtime<{ info?: Record<string, string> }>('PodSandboxStatus', {
    pod_sandbox_id: sandbox,
    verbose: true,
  })
  return JSON.parse(info?.['info'] ?? '{}') as RuntimeInfo
}

/**
 * Of several sandboxes; those on the host's network have none, nor have those that are gone meanwhile. All of each is read for it.
 * @throws CallFailed for one that cannot be read: what nobody seems to use would be taken out
 */
export async function networkNamespacesOf(connection: Connection, sandboxes: readonly string[]): Promise<string[]> {
  const paths = sandboxes.map(id => goneAsUndefined(networkNamespaceOf(connection, id)))
  return (await Promise.all(paths)).filter(path => path !== undefined)
}

interface RuntimeInfo {
  image?: string
  runtimeSpec?: { linux?: { namespaces?: { type: string; path?: string }[] } }
}
