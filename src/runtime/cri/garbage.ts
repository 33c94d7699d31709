import type { Connection } from './connection.ts'

const lease = 'optiflow-collect'

/**
 * Has containerd take what nothing refers to off the disk. By itself it does so after an image was removed, or after a
 * hundred changes: the files of a container that was removed are there until then. It is asked by the end of a lease, which is
 * the one call that waits for the collection. A runtime without leases has no such collection.
 * @throws what the runtime says
 */
export async function collectGarbage(connection: Pick<Connection, 'containerd'>): Promise<void> {
  try {
    await connection.containerd('leases.v1.Leases', 'Create', { id: lease, labels: {} })
  } catch (error) {
    const { code } = error as { code?: number }
    if (code === unimplemented) return
    // From a call that was broken off.
    if (code !== alreadyExists) throw error
  }
  await connection.containerd('leases.v1.Leases', 'Delete', { id: lease, sync: true })
}

const alreadyExists = 6
const unimplemented = 12
