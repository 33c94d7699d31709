import { openMemoryStore, type Store } from '../../db/index.ts'

/** A store in memory that lets something happen between the decision to write ConfigMaps and the write. */
export interface DelayedStore {
  store: Store
  /** Called once, before the next commit that is about ConfigMaps. */
  before: (() => Promise<unknown>) | undefined
}

export async function openDelayedStore(): Promise<DelayedStore> {
  const inner = await openMemoryStore()
  const commit: Store['commit'] = async (changes, seen, author) => {
    const act = changes.some(c => c.key.includes('/configmaps/')) ? delayed.before : undefined
    if (act) delayed.before = undefined
    await act?.()
    return inner.commit(changes, seen, author)
  }
  const store = new Proxy(inner, {
    get: (target, name) => {
      const found = name === 'commit' ? commit : Reflect.get(target, name)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
  const delayed: DelayedStore = { store, before: undefined }
  return delayed
}
