import { join } from 'node:path'
import {
  type EtcdConnection,
  Keyring,
  openEtcdStore,
  openMemoryStore,
  openSqliteStore,
  SealedStore,
  type Store,
} from '../db/index.ts'
import type { OutsideWorld } from './outside.ts'
import type { Settings } from './settings.ts'

/** What is encrypted in the store. */
const sealedPrefixes = ['/registry/core/secrets/']

export interface OpenedStore extends AsyncDisposable {
  /** As the API server uses it. */
  store: Store
  /** Encrypts what is secret in it; none in memory. */
  sealed?: { store: SealedStore; keyring: Keyring }
  /** For people. */
  description: string
}

/** Opens the store that the settings name, with its key file. @throws StoreFailed */
export async function openStore(settings: Settings, outside: OutsideWorld): Promise<OpenedStore> {
  if (settings.store.engine === 'memory') {
    const store = await openMemoryStore({ clock: outside.clock })
    return { store, description: 'in memory: gone when this ends', [Symbol.asyncDispose]: () => dispose(store) }
  }
  const keyring = await Keyring.open(keyFileOf(settings.dataDir), outside.disk)
  const inner = await openEngine(settings, outside)
  try {
    const store = new SealedStore(inner, keyring, sealedPrefixes)
    await store.check()
    return {
      store,
      sealed: { store, keyring },
      description:
        settings.store.engine === 'etcd'
          ? `etcd at ${settings.store.endpoints.join(', ')}`
          : `SQLite, ${sqlitePathOf(settings.dataDir)}`,
      [Symbol.asyncDispose]: () => dispose(store),
    }
  } catch (error) {
    await inner[Symbol.asyncDispose]()
    throw error
  }
}

/** The engine itself: values are as they lie in it, sealed ones too. */
export async function openEngine(settings: Settings, outside: OutsideWorld): Promise<Store> {
  const { clock, disk, log } = outside
  if (settings.store.engine === 'etcd')
    return openEtcdStore({
      ...(await etcdConnection(settings, outside)),
      clock,
      log,
      ...(settings.historyAgeMs ? { historyAgeMs: settings.historyAgeMs } : {}),
    })
  return openSqliteStore({
    path: sqlitePathOf(settings.dataDir),
    clock,
    disk,
    log,
    history: {
      ...(settings.historyAgeMs ? { ageMs: settings.historyAgeMs } : {}),
      ...(settings.historyBytes ? { bytes: settings.historyBytes } : {}),
    },
  })
}

/** Endpoints, certificates and password, read from the files that the settings name. */
export async function etcdConnection(
  settings: Settings,
  { disk }: Pick<OutsideWorld, 'disk'>,
): Promise<EtcdConnection> {
  if (settings.store.engine !== 'etcd') throw new Error('the store is not etcd')
  const { etcdCa, etcdCert, etcdKey, etcdUser, etcdPasswordFile } = settings
  const read = async (name: 'ca' | 'cert' | 'key' | 'password', path: string | undefined) =>
    path === undefined ? {} : { [name]: (await disk.readText(path)).trimEnd() }
  return {
    endpoints: settings.store.endpoints,
    ...(await read('ca', etcdCa)),
    ...(await read('cert', etcdCert)),
    ...(await read('key', etcdKey)),
    ...(etcdUser ? { username: etcdUser } : {}),
    ...(await read('password', etcdPasswordFile)),
  }
}

export function sqlitePathOf(dataDir: string): string {
  return join(dataDir, 'store/state.db')
}

/** Beside the store, not in it: a copy of the database alone gives no secret away. */
export function keyFileOf(dataDir: string): string {
  return join(dataDir, 'keys/store.keys')
}

async function dispose(store: Store): Promise<void> {
  await store[Symbol.asyncDispose]()
}
