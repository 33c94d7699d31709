import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { writeBackup } from '../backup/backup.ts'
import { storeConformance } from '../conformance/index.ts'
import { openMemoryStore } from '../memory.ts'
import { openSqliteStore } from '../sqlite/sqlite-store.ts'
import type { Store, StoreBatch } from '../store.ts'
import { CannotOpen, Keyring, sealedBy } from './keyring.ts'
import { SealedStore } from './sealed-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-sealed-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const keyFile = () => join(folder, `${files++}.keys`)

storeConformance(
  'a store that seals everything',
  async clock => {
    const inner = await openMemoryStore({ clock, bufferedEvents: 64 })
    return new SealedStore(inner, await Keyring.open(keyFile(), systemDisk), ['/'])
  },
  { runs: 10 },
)

const put = (store: Store, key: string, value: string) =>
  store.commit([{ key, value: new Uint8Array(Buffer.from(value)) }], new Map())
const textAt = async (store: Store, key: string) => {
  const found = await store.get(key)
  return found && Buffer.from(found.value).toString()
}

describe('what is sealed', () => {
  it('is nowhere in the store’s files nor in a backup, and what is not is', async () => {
    const path = join(folder, 'scan/state.db')
    const inner = await openSqliteStore({ path })
    const store = new SealedStore(inner, await Keyring.open(keyFile(), systemDisk), ['/registry/core/secrets/'])
    for (let i = 0; i < 20; i++)
      await put(store, `/registry/core/secrets/default/s${i % 5}`, `{"data":"PLANTED-SECRET-${i}"}`)
    await put(store, '/registry/core/configmaps/default/c', '{"data":"PLANTED-OPEN"}')
    const chunks: Uint8Array[] = []
    for await (const chunk of writeBackup(inner, { clock: systemClock })) chunks.push(chunk)
    const open = () => readdirSync(join(folder, 'scan')).map(name => readFileSync(join(folder, 'scan', name)))
    const whileOpen = Buffer.concat(open())
    expect(whileOpen.includes('PLANTED-OPEN')).toBe(true)
    await store[Symbol.asyncDispose]()
    for (const bytes of [whileOpen, Buffer.concat(open()), Buffer.concat(chunks)])
      expect(bytes.includes('PLANTED-SECRET')).toBe(false)
  })

  it('can be opened only at its own key, with its own key of the ring, and unchanged', async () => {
    const ring = await Keyring.open(keyFile(), systemDisk)
    const sealed = ring.seal('/a', Buffer.from('secret'))
    expect(Buffer.from(ring.open('/a', sealed)).toString()).toBe('secret')
    expect(() => ring.open('/b', sealed)).toThrow(CannotOpen)
    for (let i = 4; i < sealed.length; i++) {
      const changed = new Uint8Array(sealed)
      changed[i]! ^= 1
      expect(() => ring.open('/a', changed)).toThrow()
    }
    const other = await Keyring.open(keyFile(), systemDisk)
    expect(() => other.open('/a', sealed)).toThrow('it is not in')
  })

  it('is written again with a new key; what was before stays readable, old and plain values too', async () => {
    const inner = await openMemoryStore()
    await put(inner, '/s/plain', 'from before')
    const ring = await Keyring.open(keyFile(), systemDisk)
    const store = new SealedStore(inner, ring, ['/s/'])
    await store.check()
    const old = await put(store, '/s/a', 'one')
    const first = ring.primary
    await ring.rotate()
    expect(await store.reseal()).toBe(2)
    expect(await store.reseal()).toBe(0)
    const { entries } = await inner.list('/s/')
    expect(entries.map(e => sealedBy(e.value))).toEqual([ring.primary, ring.primary])
    expect(await Promise.all(['/s/a', '/s/plain'].map(key => textAt(store, key)))).toEqual(['one', 'from before'])
    expect(sealedBy((await inner.get('/s/a', old))!.value)).toBe(first)
    expect(Buffer.from((await store.get('/s/a', old))!.value).toString()).toBe('one')
  })

  it('is left alone where somebody wrote it since it was read, and counted where it was written', async () => {
    const inner = await openMemoryStore()
    const ring = await Keyring.open(keyFile(), systemDisk)
    const store = new SealedStore(inner, ring, ['/s/'])
    await put(store, '/s/a', 'one')
    await put(store, '/s/b', 'two')
    await ring.rotate()
    const list: Store['list'] = async (...asked) => {
      const listing = await inner.list(...asked)
      await put(store, '/s/a', 'newer')
      return listing
    }
    const overtaken = new Proxy(inner, {
      get(target, name) {
        const found = name === 'list' ? list : Reflect.get(target, name)
        return typeof found === 'function' ? found.bind(target) : found
      },
    })
    expect(await new SealedStore(overtaken, ring, ['/s/']).reseal()).toBe(1)
    expect(await Promise.all(['/s/a', '/s/b'].map(key => textAt(store, key)))).toEqual(['newer', 'two'])
  })

  it('with a key that another server got is opened as soon as that is in the file', async () => {
    const inner = await openMemoryStore()
    const [mine, others] = [keyFile(), keyFile()]
    const store = new SealedStore(inner, await Keyring.open(mine, systemDisk), ['/s/'])
    const ring = await Keyring.open(others, systemDisk)
    await put(new SealedStore(inner, ring, ['/s/']), '/s/a', 'theirs')
    await expect(store.check()).rejects.toBeInstanceOf(CannotOpen)
    expect(await textAt(store, '/s/a')).not.toBe('theirs')
    await systemDisk.write(mine, ring.text(), { mode: 0o600 })
    expect(await textAt(store, '/s/a')).toBe('theirs')
  })

  it('is opened for a watcher that takes what is there already, too', async () => {
    const inner = await openMemoryStore({ clock: systemClock })
    await using store = new SealedStore(inner, await Keyring.open(keyFile(), systemDisk), ['/secrets/'])
    const stop = new AbortController()
    const batches = store.watch('/', await store.revision(), stop.signal)
    const watch = batches[Symbol.asyncIterator]()
    const first = watch.next()
    for (const key of ['/a', '/b', '/secrets/c', '/d']) await put(store, key, `of ${key}`)
    const texts = (batch: StoreBatch | undefined) => batch?.events.map(e => Buffer.from(e.value!).toString())
    expect(texts((await first).value)).toEqual(['of /a'])
    expect(texts(batches.ready?.())).toEqual(['of /b'])
    expect(batches.ready?.()).toBeUndefined()
    expect(texts((await watch.next()).value)).toEqual(['of /secrets/c'])
    expect(texts(batches.ready?.())).toEqual(['of /d'])
    stop.abort()
  })

  it('has a key file for its owner only', async () => {
    const path = keyFile()
    await Keyring.open(path, systemDisk)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await systemDisk.chmod(path, 0o640)
    await expect(Keyring.open(path, systemDisk)).rejects.toThrow('can be read by others')
  })
})
