import type { Connection } from './connection.ts'
import { goneAsUndefined } from './observer.ts'

/** Path of a sandbox's network namespace; undefined on the host's network. @throws CallFailed */
export async function networkNamespaceOf(connection: Connection, sandbox: string): Promise<string | undefined> {
  const { info } = await connection.runtime<{ info?: Record<string, string> }>('PodSandboxStatus', {
    pod_sandbox_id: sandbox,
    verbose: true,
  })
  const text = info?.['info']
  if (!text) return undefined
  const { runtimeSpec } = JSON.parse(text) as RuntimeInfo
  return runtimeSpec?.linux?.namespaces?.find(n => n.type === 'network')?.path || undefined
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
  runtimeSpec?: { linux?: { namespaces?: { type: string; path?: string }[] } }
}
