import type { Random } from '../../base/random.ts'
import { RuntimeFailed } from '../runtime.ts'
import type { Connection } from './connection.ts'
import { Content, type Manifest } from './content.ts'
import { goneAsUndefined } from './observer.ts'
import { chainIds, type SnapshotMount, snapshots } from './snapshots.ts'

export interface Unpacking {
  connection: Connection
  random: Random
  snapshotter: string
  /** Keeps what is made from containerd's collector until all of it is. */
  lease: string
}

/** Layers of an image as snapshots on each other, as containerd leaves them after a pull. Those that are there stay. @throws RuntimeFailed */
export async function unpack(world: Unpacking, { config, layers }: Manifest): Promise<void> {
  const { connection, snapshotter, lease } = world
  const { rootfs } = await new Content(connection).document<{ rootfs: { diff_ids: string[] } }>(config.digest)
  const chain = chainIds(rootfs.diff_ids)
  for (const [i, layer] of layers.entries()) {
    const about = { snapshotter, key: chain[i]! }
    if (await goneAsUndefined(connection.containerd(snapshots, 'Stat', about))) continue
    const key = `extract-optiflow-${Buffer.from(world.random.bytes(8)).toString('hex')} ${chain[i]}`
    const { mounts } = await connection.containerd<{ mounts: SnapshotMount[] }>(
      snapshots,
      'Prepare',
      { snapshotter, key, parent: chain[i - 1] ?? '' },
      { lease },
    )
    const diff = { media_type: layer.mediaType, digest: layer.digest, size: layer.size }
    const { applied } = await connection.containerd<{ applied: { digest: string } }>('diff.v1.Diff', 'Apply', {
      diff,
      mounts,
    })
    if (applied.digest !== rootfs.diff_ids[i])
      throw new RuntimeFailed(`layer ${layer.digest} is not what the image says: ${applied.digest} once unpacked`)
    const done = { snapshotter, key, name: chain[i]!, labels: { 'containerd.io/snapshot.ref': chain[i]! } }
    await connection.containerd(snapshots, 'Commit', done, { lease })
  }
  await keepWith(connection, config.digest, `containerd.io/gc.ref.snapshot.${snapshotter}`, chain.at(-1) ?? '')
}

/** The snapshots live as long as the image's configuration. */
async function keepWith(connection: Connection, digest: string, label: string, chain: string): Promise<void> {
  await connection.containerd('content.v1.Content', 'Update', {
    info: { digest, labels: { [label]: chain } },
    update_mask: { paths: [`labels.${label}`] },
  })
}
