import { gzipSync } from 'node:zlib'
import type { Client } from '../client/index.ts'
import { type EtcdConnection, openEtcdKeys } from '../db/index.ts'
import { type CalicoDatastore, openApiDatastore, openEtcdDatastore } from '../network/index.ts'
import { tar } from '../runtime/index.ts'
import type { OutsideWorld } from './outside.ts'

export * from '../network/calico/index.ts'
export { BadEnd, type ConnectionExplanation, type SideVerdict, whyConnection } from '../network/index.ts'

/** Calico's objects: in the API, or in the etcd that is named. */
export async function openCalico(
  client: Client,
  { clock, random }: Pick<OutsideWorld, 'clock' | 'random'>,
  etcd?: EtcdConnection,
): Promise<AsyncDisposable & { datastore: CalicoDatastore }> {
  if (!etcd) return { datastore: openApiDatastore(client), [Symbol.asyncDispose]: async () => {} }
  const keys = await openEtcdKeys(etcd, clock)
  return {
    datastore: openEtcdDatastore({ keys, clock, uuid: random.uuid }),
    [Symbol.asyncDispose]: () => keys[Symbol.asyncDispose](),
  }
}

/** A .tar.gz of text files. */
export function archiveOf(files: readonly { path: string; data: string }[]): Buffer {
  const folders = new Set(
    files.flatMap(({ path }) => (path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : [])),
  )
  return gzipSync(tar([...[...folders].map(path => ({ path, folder: true as const })), ...files]))
}
