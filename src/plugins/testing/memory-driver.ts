import type { CsiController } from '../csi-driver.ts'

export interface MemoryDriver extends CsiController {
  /** `publish id-of-v id-of-n1`, in order. */
  calls: string[]
  requests: any[]
  /** What the next call of a method answers instead. */
  failures: Map<string, Error>
  /** What it cannot; all else it can. */
  cannot: Set<string>
  /** Bytes left, by the value of a part's first label; 1 TiB unless given. */
  room: Map<string, number>
  /** What is wrong with volumes, by their handle. */
  ills: Map<string, string>
}

/** A CSI driver without a socket: it has what it is asked for, and notes who asked. */
export function memoryDriver(): MemoryDriver {
  const calls: string[] = []
  const requests: any[] = []
  const failures = new Map<string, Error>()
  const cannot = new Set<string>()
  const room = new Map<string, number>()
  const ills = new Map<string, string>()
  const handles = new Set<string>()
  const statusOf = (handle: string) => {
    const message = ills.get(handle)
    return { volume_condition: { abnormal: message !== undefined, message: message ?? '' } }
  }
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
    ...{ cannot, room, ills },
    controllerCan: async what => !cannot.has(what),
    createVolume: call('create', ({ name, capacity_range, accessibility_requirements }) => {
      handles.add(`id-of-${name}`)
      return {
        volume_id: `id-of-${name}`,
        capacity_bytes: capacity_range.required_bytes,
        volume_context: { made: 'here' },
        accessible_topology: accessibility_requirements?.requisite ?? [],
      }
    }),
    deleteVolume: call('delete', ({ volume_id }) => {
      handles.delete(volume_id)
      return {}
    }),
    capacity: async ({ accessible_topology: { segments } }) => ({
      available_capacity: room.get(Object.values(segments)[0] ?? '') ?? 2 ** 40,
      maximum_volume_size: null,
    }),
    volumes: async () => ({
      entries: [...handles].map(volume_id => ({ volume: { volume_id }, status: statusOf(volume_id) })),
      next_token: '',
    }),
    volume: async ({ volume_id }) => ({ status: statusOf(volume_id) }),
    publishToNode: call('publish', ({ volume_id }) => ({ publish_context: { device: `disk-of-${volume_id}` } })),
    unpublishFromNode: call('unpublish', () => ({})),
    expandVolume: call('expand', ({ capacity_range }) => ({
      capacity_bytes: capacity_range.required_bytes,
      node_expansion_required: true,
    })),
  }
}
