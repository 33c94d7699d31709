import type { CsiController } from '../csi-driver.ts'

export interface MemoryDriver extends CsiController {
  /** `publish id-of-v id-of-n1`, in order. */
  calls: string[]
  requests: any[]
  /** What the next call of a method answers instead. */
  failures: Map<string, Error>
}

/** A CSI driver without a socket: it has what it is asked for, and notes who asked. */
export function memoryDriver(): MemoryDriver {
  const calls: string[] = []
  const requests: any[] = []
  const failures = new Map<string, Error>()
  const call =
    <T>(method: string, answer: (request: any) => T) =>
    async (request: any): Promise<T> => {
      calls.push(`${method} ${request.volume_id ?? request.name}${request.node_id ? ` ${request.node_id}` : ''}`)
      requests.push(request)
      const failure = failures.get(method)
      failures.delete(method)
      if (failure) throw failure
      return answer(request)
    }
  return {
    calls,
    requests,
    failures,
    controllerCan: async () => true,
    createVolume: call('create', ({ name, capacity_range, accessibility_requirements }) => ({
      volume_id: `id-of-${name}`,
      capacity_bytes: capacity_range.required_bytes,
      volume_context: { made: 'here' },
      accessible_topology: accessibility_requirements?.requisite ?? [],
    })),
    deleteVolume: call('delete', () => ({})),
    publishToNode: call('publish', ({ volume_id }) => ({ publish_context: { device: `disk-of-${volume_id}` } })),
    unpublishFromNode: call('unpublish', () => ({})),
    expandVolume: call('expand', ({ capacity_range }) => ({
      capacity_bytes: capacity_range.required_bytes,
      node_expansion_required: true,
    })),
  }
}
