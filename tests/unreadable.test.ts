import { get } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EtcdCluster } from '../src/db/etcd/testing/cluster.ts'
import { openEtcdStore, openSqliteStore, type Store } from '../src/db/index.ts'
import { Cluster } from './support/cluster.ts'
import { configMap } from './support/manifests.ts'
import { onPath, until } from './support/processes.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const keyOf = (name: string) => `/registry/core/configmaps/default/${name}`

/** Cuts what is stored of an object in the middle. */
async function damage(store: Store, ...names: string[]): Promise<void> {
  for (const name of names) {
    const found = await store.get(keyOf(name))
    const value = found!.value.slice(0, found!.value.length / 2)
    await store.commit([{ key: keyOf(name), value }], new Map([[keyOf(name), found!.revision]]))
  }
}

/** Events of the ConfigMaps as they come, once the first is there. */
async function watching(cluster: Cluster): Promise<{ events(): any[]; ended: Promise<void> }> {
  let text = ''
  let begun!: () => void
  const first = new Promise<void>(resolve => (begun = resolve))
  const ended = new Promise<void>((resolve, reject) => {
    const request = get(`${cluster.url}${maps}?watch=1`, reader, reply => {
      reply.on('data', chunk => {
        text += chunk
        begun()
      })
      reply.on('end', resolve).on('error', reject)
    })
    request.on('error', reject)
  })
  await Promise.race([first, ended])
  return {
    events: () =>
      text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ended,
  }
}
let reader: { ca: string; cert: string; key: string }

const engines = ['SQLite', ...(onPath('etcd') ? ['etcd'] : [])]
describe.each(engines)('what cannot be decoded in %s', engine => {
  let etcd: EtcdCluster | undefined
  let cluster: Cluster
  beforeAll(async () => {
    etcd = engine === 'etcd' ? await EtcdCluster.start(1) : undefined
    cluster = await Cluster.start({ nodes: 1, flags: etcd ? ['--store', `etcd=${etcd.endpoints[0]}`] : [] })
    reader = await cluster.credentials()
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await etcd?.stop()
  })

  const run = async (...args: string[]) => {
    const { code, out, err } = await cluster.optiflow(args)
    return { code, text: `${out}${err}` }
  }
  const unreadable = (...args: string[]) => run('store', 'unreadable', ...args)
  const open = (): Promise<Store> =>
    etcd
      ? openEtcdStore({ endpoints: etcd.endpoints })
      : openSqliteStore({ path: join(cluster.dataDir, 'store/state.db') })

  it('is named, and deleted by who insists on it, while no server runs and while one does', async () => {
    for (const name of ['good', 'bad', 'worse']) await cluster.call('POST', maps, { body: configMap(name, { n: '1' }) })
    const offline = [
      '--offline',
      '--data-dir',
      cluster.dataDir,
      ...(etcd ? ['--store', `etcd=${etcd.endpoints[0]}`] : []),
    ]
    if (!etcd) expect(await unreadable(...offline)).toMatchObject({ code: 1, text: expect.stringContaining('in use') })
    await cluster.down()
    {
      await using store = await open()
      await damage(store, 'bad', 'worse')
    }

    expect((await unreadable(...offline)).text).toMatch(/configmaps\/default\/bad .*\n.*configmaps\/default\/worse /)
    expect(await unreadable(...offline, '--remove', keyOf('good'), '--yes')).toMatchObject({ code: 1 })
    const gone = { code: 0, text: `${keyOf('worse')} deleted\n` }
    expect(await unreadable(...offline, '--remove', keyOf('worse'), '--yes')).toEqual(gone)

    await cluster.up()
    const { headers, json } = await cluster.call('GET', maps)
    const names = json.items.map((item: any) => item.metadata.name)
    expect([names.includes('good'), names.includes('bad'), names.includes('worse')]).toEqual([true, false, false])
    expect(String(headers['warning'])).toContain(keyOf('bad'))
    expect((await cluster.call('DELETE', `${maps}/bad`)).json).toMatchObject({ code: 500, reason: 'StorageReadError' })
    expect(await unreadable('--remove', keyOf('bad'))).toMatchObject({ text: expect.stringContaining('add --yes') })
    const watch = await watching(cluster)
    expect(await unreadable('--remove', keyOf('bad'), '--yes')).toEqual({ code: 0, text: `${keyOf('bad')} deleted\n` })
    await watch.ended
    expect(watch.events().at(-1)).toMatchObject({ type: 'ERROR', object: { code: 500, reason: 'StorageReadError' } })

    expect((await cluster.call('GET', '/optiflow/unreadable')).json.items).toEqual([])
    const history = async (name: string) => (await cluster.call('GET', `${maps}/${name}?history=true`)).json.items
    const [online, before] = await history('bad')
    expect(online).toMatchObject({ type: 'Deleted', user: expect.not.stringContaining('offline') })
    expect(Number(online.revision)).toBeGreaterThan(Number(before.revision))
    expect((await history('worse'))[0]).toMatchObject({ type: 'Deleted', user: expect.stringContaining('--offline') })
    const again = await cluster.call('POST', maps, { body: configMap('bad', { n: '2' }) })
    expect(again.status).toBe(201)
    expect(Number(again.json.metadata.resourceVersion)).toBeGreaterThan(Number(online.revision))
  })

  it.runIf(engine === 'etcd')('is told to those who watch when it happens while servers run', async () => {
    await cluster.call('POST', maps, { body: configMap('worst', { n: '1' }) })
    await using store = await open()
    const watch = await watching(cluster)
    await damage(store, 'worst')
    const noticed = async () => (await cluster.call('GET', '/optiflow/unreadable')).json.items
    await until('it is noticed', async () => (await noticed()).length > 0)
    expect(watch.events().map(event => event.type)).not.toContain('DELETED')
    await unreadable('--remove', keyOf('worst'), '--yes')
    await watch.ended
    expect(watch.events().at(-1)).toMatchObject({ type: 'ERROR', object: { reason: 'StorageReadError' } })
  })
})
