import type { Connection } from './connection.ts'

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

interface RuntimeInfo {
  runtimeSpec?: { linux?: { namespaces?: { type: string; path?: string }[] } }
}
