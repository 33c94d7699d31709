import type { Clock } from '../../base/clock.ts'
import type { Revision, Store, Versioned } from '../store.ts'
import type { EtcdStoreOptions } from './etcd-store.ts'
import type { EtcdKeys } from './key-values.ts'
import type { EtcdConnection } from './rpc.ts'

/** See etcd-store.ts, which is loaded only now: gRPC takes long to load, and most clusters run on SQLite. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const engine = await import('./etcd-store.ts')
  return engine.openEtcdStore(options)
}

/** See import.ts. */
export async function importEtcd(
  connection: EtcdConnection,
  entries: readonly Versioned[],
  revision: Revision,
  onProgress?: (done: Revision) => void,
): Promise<void> {
  const engine = await import('./import.ts')
  return engine.importEtcd(connection, entries, revision, onProgress)
}

/** See restore.ts. */
export async function restoreEtcd(
  connection: EtcdConnection,
  entries: readonly Versioned[],
  revision: Revision,
  onProgress?: (done: Revision) => void,
): Promise<void> {
  const engine = await import('./restore.ts')
  return engine.restoreEtcd(connection, entries, revision, onProgress)
}

/** As etcd shows entries after their import. */
export async function asEtcdImports(entries: readonly Versioned[]): Promise<Versioned[]> {
  const engine = await import('./import.ts')
  return entries.map(engine.asImported)
}

/** See key-values.ts. */
export async function openEtcdKeys(connection: EtcdConnection, clock: Clock): Promise<EtcdKeys> {
  const engine = await import('./key-values.ts')
  return engine.openEtcdKeys(connection, clock)
}
