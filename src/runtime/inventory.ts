import type { Clock } from '../base/clock.ts'
import { Connection } from './cri/connection.ts'
import { networkNamespacesOf } from './cri/network-namespace.ts'
import { goneAsUndefined } from './cri/observer.ts'

export interface InventorySandbox {
  id: string
  podUid: string
  ready: boolean
}

/** Everything that a containerd keeps, as far as something could be left behind of it. */
export interface Inventory {
  sandboxes: InventorySandbox[]
  /** Containers that CRI knows, sandboxes not among them. */
  containers: { id: string; podUid: string }[]
  /** All records of containerd, with the snapshots they stand on. */
  records: { id: string; snapshotter: string; snapshot: string }[]
}

export interface Snapshot {
  snapshotter: string
  key: string
}

const uidLabel = 'io.kubernetes.pod.uid'
type Labels = Record<string, string>

/** Looks at a containerd and can take out of it what belongs to nobody. */
export class Stock implements Disposable {
  readonly #connection: Connection

  /** @param socket path of containerd's socket */
  constructor(socket: string, clock: Clock) {
    this.#connection = new Connection(socket, clock)
  }

  /** @throws RuntimeUnavailable when it does not answer */
  async take(): Promise<Inventory> {
    const { items } = await this.#connection.runtime<{ items: { id: string; state: string; labels: Labels }[] }>(
      'ListPodSandbox',
      { filter: {} },
    )
    const { containers } = await this.#connection.runtime<{ containers: { id: string; labels: Labels }[] }>(
      'ListContainers',
      { filter: {} },
    )
    const { containers: all } = await this.#connection.containerd<{
      containers: { id: string; snapshotter: string; snapshot_key: string }[]
    }>('containers.v1.Containers', 'List', {})
    const records = all.map(c => ({ id: c.id, snapshotter: c.snapshotter, snapshot: c.snapshot_key }))
    return {
      sandboxes: items.map(({ id, state, labels }) => ({
        ...{ id, podUid: labels[uidLabel] ?? '' },
        ready: state === 'SANDBOX_READY',
      })),
      containers: containers.map(({ id, labels }) => ({ id, podUid: labels[uidLabel] ?? '' })),
      records,
    }
  }

  /** See networkNamespacesOf. */
  namespaces(sandboxes: readonly InventorySandbox[]): Promise<string[]> {
    return networkNamespacesOf(
      this.#connection,
      sandboxes.map(({ id }) => id),
    )
  }

  /** All writable snapshots, of the snapshotters of these records and the usual ones. */
  async snapshots(records: Inventory['records']): Promise<Snapshot[]> {
    const out: Snapshot[] = []
    const snapshotters = new Set(['overlayfs', 'native', ...records.map(r => r.snapshotter).filter(Boolean)])
    for (const snapshotter of snapshotters)
      try {
        const replies = this.#connection.containerdStream<{ info: { name: string; kind: string | number }[] }>(
          'snapshots.v1.Snapshots',
          'List',
          { snapshotter },
          new AbortController().signal,
        )
        for await (const { info = [] } of replies)
          for (const { name, kind } of info) if (kind === 'ACTIVE' || kind === 2) out.push({ snapshotter, key: name })
      } catch {
        // A snapshotter that this machine does not have holds nothing.
      }
    return out
  }

  /** A record that CRI does not know: its task is killed, then both go. */
  async removeRecord(id: string): Promise<void> {
    await this.#connection
      .containerd('tasks.v1.Tasks', 'Kill', { container_id: id, signal: 9, all: true })
      .catch(() => {})
    await this.#connection.containerd('tasks.v1.Tasks', 'Delete', { container_id: id }).catch(() => {})
    await goneAsUndefined(this.#connection.containerd('containers.v1.Containers', 'Delete', { id }))
  }

  /** containerd's own collector may be first: gone is fine. */
  async removeSnapshot({ snapshotter, key }: Snapshot): Promise<void> {
    await goneAsUndefined(this.#connection.containerd('snapshots.v1.Snapshots', 'Remove', { snapshotter, key }))
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }
}
