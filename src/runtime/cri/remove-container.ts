import { grpcStatus } from '../../base/grpc/status.ts'
import { CallFailed, type Connection } from './connection.ts'
import { goneAsUndefined } from './observer.ts'

/**
 * Removes a container that does not run. Where its start was broken off after its process was made (the agent that had asked
 * for it was killed), containerd's CRI forgets the process and leaves it, and then refuses for ever to remove the container:
 * the process is ended by containerd's own API first.
 * @throws CallFailed, RuntimeUnavailable
 */
export async function removeContainer(
  connection: Pick<Connection, 'runtime' | 'containerd'>,
  container: string,
): Promise<void> {
  const remove = () => goneAsUndefined(connection.runtime('RemoveContainer', { container_id: container }))
  try {
    await remove()
  } catch (error) {
    if (!(error instanceof CallFailed && error.code === grpcStatus.FAILED_PRECONDITION)) throw error
    if (!error.details.includes('cannot delete running task')) throw error
    await endTask(connection, container)
    await remove()
  }
}

async function endTask(connection: Pick<Connection, 'containerd'>, container: string): Promise<void> {
  const ask = (method: string, more?: object) =>
    goneAsUndefined(
      connection.containerd('tasks.v1.Tasks', method, { container_id: container, ...more }, { timeoutMs: 30_000 }),
    )
  await ask('Kill', { signal: 9, all: true })
  await ask('Wait')
  await ask('Delete')
}
