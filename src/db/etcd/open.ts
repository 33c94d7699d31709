import type { Store } from '../store.ts'
import type { EtcdStoreOptions } from './etcd-store.ts'

/** See etcd-store.ts, which is loaded only now: gRPC takes long to load, and most clusters run on SQLite. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const engine = await import('./etcd-store.ts')
  return engine.openEtcdStore(options)
}
