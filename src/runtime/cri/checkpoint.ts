import { RuntimeFailed } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'

/**
 * Has a running container written down into an archive; it runs on.
 * @param path of the archive, absolute
 * @param timeoutMs 0: four minutes, the longest that we wait
 * @throws RuntimeFailed when the runtime's server does not know how, CallFailed when it refuses
 */
export async function checkpointContainer(
  connection: Connection,
  container: string,
  path: string,
  timeoutMs: number,
): Promise<void> {
  const request = { container_id: container, location: path, timeout: Math.ceil(timeoutMs / 1000) }
  try {
    await connection.runtime('CheckpointContainer', request, { timeoutMs: timeoutMs || 240_000 })
  } catch (error) {
    if (!(error instanceof CallFailed && error.unimplemented)) throw error
    const { runtime_name: name, runtime_version: version } = await connection.runtime<Version>('Version', {})
    throw new RuntimeFailed(`${name} ${version} does not know CheckpointContainer; CRI-O and containerd 2.0 do`)
  }
}

interface Version {
  runtime_name: string
  runtime_version: string
}
