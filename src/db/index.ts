export {
  type Backup,
  type BackupHeader,
  type BackupOptions,
  Digest,
  pagesOf,
  readBackup,
  writeBackup,
} from './backup/backup.ts'
export { BadBackup } from './backup/bytes.ts'
export { openStream, type Secret, sealStream } from './backup/sealed-file.ts'
export type { EtcdStoreOptions } from './etcd/etcd-store.ts'
export type { EtcdKeys } from './etcd/key-values.ts'
export { asEtcdImports, importEtcd, openEtcdKeys, openEtcdStore, restoreEtcd } from './etcd/open.ts'
export type { EtcdConnection } from './etcd/rpc.ts'
export { type MemoryStoreOptions, openMemoryStore } from './memory.ts'
export { PrefixedStore } from './prefixed.ts'
export { Keyring } from './sealed/keyring.ts'
export { SealedStore } from './sealed/sealed-store.ts'
export type { HistoryLimits } from './sqlite/history-keeper.ts'
export { importSqlite } from './sqlite/import.ts'
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite/sqlite-store.ts'
export * from './store.ts'
