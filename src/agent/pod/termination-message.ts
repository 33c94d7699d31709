import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { ObservedContainer, Runtime } from '../../runtime/runtime.ts'

const maxBytes = 4_096
const maxLogLines = 80
const maxLogBytes = 2_048

/** The file on the node that the container sees as its terminationMessagePath. */
export function messageFile(folder: string, podUid: string, container: string, attempt: number): string {
  return join(folder, 'pods', podUid, 'containers', container, String(attempt))
}

/**
 * What a container that ended left as its last words: the file's content, or the end of its log if the policy says so and
 * it failed without writing the file. Never rejects: no words are the empty string.
 */
export async function terminationMessage(
  tools: { disk: Disk; runtime: Runtime; folder: string },
  podUid: string,
  container: ObservedContainer,
): Promise<string> {
  const file = messageFile(tools.folder, podUid, container.name, container.attempt)
  const written = await readStart(tools.disk, file).catch(() => '')
  const policy = container.annotations['io.kubernetes.container.terminationMessagePolicy']
  if (written || policy !== 'FallbackToLogsOnError' || container.exitCode === 0) return written
  return readLog(tools.runtime, container.id).catch(() => '')
}

async function readStart(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'r')
  try {
    const buffer = Buffer.alloc(maxBytes)
    return buffer.subarray(0, await file.read(buffer, 0)).toString()
  } finally {
    await file.close()
  }
}

async function readLog(runtime: Runtime, id: string): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of runtime.logs(id, { tailLines: maxLogLines }, new AbortController().signal)) parts.push(part)
  const all = Buffer.concat(parts)
  return all.subarray(Math.max(all.length - maxLogBytes, 0)).toString()
}
