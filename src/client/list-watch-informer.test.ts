import { describe, expect, test } from 'vitest'
import { Channel } from '../base/channel.ts'
import { settle } from '../base/virtual-clock.ts'
import { ApiError } from '../models/api-error.ts'
import { ConfigMap as ConfigMapKind } from '../models/kinds/index.ts'
import type { ConfigMap } from '../models/types/core-v1.ts'
import type { Informer } from './informer.ts'
import { createBench } from './testing/index.ts'

const path = (name: string) => `/api/v1/namespaces/a/configmaps/${name}`
const map = (v: string, more = {}) => ({ metadata: more, data: { v } })

function record(informer: Informer<ConfigMap>): string[] {
  const heard: string[] = []
  informer.subscribe({
    added: o => heard.push(`+${o.metadata.name}=${o.data?.['v']}`),
    updated: (o, old) => heard.push(`~${o.metadata.name}=${old.data?.['v']}>${o.data?.['v']}`),
    deleted: o => heard.push(`-${o.metadata.name}=${o.data?.['v']}`),
  })
  return heard
}

describe('an informer', () => {
  test('lists in pages, then hears every change in order', async () => {
    const { api, informers } = createBench()
    for (let i = 0; i < 1_201; i++) api.put(path(`m${i}`), map('1'))
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    expect(informer.list()).toHaveLength(1_201)
    expect(api.requests.filter(r => !r.includes('watch'))).toEqual([
      'GET /api/v1/configmaps?limit=500&resourceVersion=0',
      'GET /api/v1/configmaps?limit=500&continue=500',
      'GET /api/v1/configmaps?limit=500&continue=1000',
    ])
    const heard = record(informer)
    expect(heard).toHaveLength(1_201)
    heard.length = 0
    await settle()
    api.put(path('new'), map('1'))
    api.put(path('new'), map('2'))
    api.remove(path('new'))
    await settle()
    expect(heard).toEqual(['+new=1', '~new=1>2', '-new=2'])
    expect(informer.resourceVersion).toBe(String(api.revision))
  })

  test('resumes a lost watch from the last bookmark without listing again', async () => {
    const { api, clock, informers } = createBench()
    api.put(path('x'), map('1'))
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    const heard = record(informer)
    await settle()
    api.put('/api/v1/namespaces/a/secrets/other', {})
    api.bookmark()
    await settle()
    api.cutWatches(new Error('connection reset'))
    api.put(path('x'), map('2'))
    await clock.advance(1_000)
    expect(heard).toEqual(['+x=1', '~x=1>2'])
    expect(api.requests.filter(r => !r.includes('watch'))).toHaveLength(1)
    expect(api.requests.at(-1)).toContain('resourceVersion=2&')
  })

  test('after 410 lists again and reports what changed meanwhile, the vanished as deleted', async () => {
    const { api, clock, informers } = createBench()
    for (const name of ['gone', 'same', 'changed', 'replaced']) api.put(path(name), map('1'))
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    const heard = record(informer)
    await settle()
    heard.length = 0
    api.cutWatches()
    api.remove(path('gone'))
    api.remove(path('replaced'))
    api.put(path('replaced'), map('2'))
    api.put(path('changed'), map('2'))
    api.put(path('new'), map('2'))
    api.forgetHistory()
    await clock.advance(2_000)
    expect(heard.sort()).toEqual(['+new=2', '+replaced=2', '-gone=1', '-replaced=1', '~changed=1>2'])
    expect(informer.list()).toHaveLength(4)
    // The second list asks for the newest: an old one might again be from before the gap.
    expect(api.requests.filter(r => !r.includes('watch')).at(-1)).toBe('GET /api/v1/configmaps?limit=500')
  })

  test('lists again when the server cannot decode what was deleted', async () => {
    const { api, clock, informers } = createBench()
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    await settle()
    api.cutWatches(new ApiError('StorageReadError', 'saw a DELETED event, but object data is corrupt', { code: 500 }))
    await clock.advance(2_000)
    expect(api.requests.filter(r => !r.includes('watch')).at(-1)).toBe('GET /api/v1/configmaps?limit=500')
  })

  test('asks an ailing server less and less often', async () => {
    const { api, clock, informers } = createBench()
    api.intercept = () => {
      throw new Error('refused')
    }
    await using informer = informers.for(ConfigMapKind)
    await clock.advance(600_000)
    expect(informer.synced).toBe(false)
    expect(api.requests.length).toBeGreaterThan(15)
    expect(api.requests.length).toBeLessThan(60)
    api.intercept = undefined
    await clock.advance(30_000)
    expect(informer.synced).toBe(true)
  })

  test('does not ask in a tight loop a server that ends every watch at once', async () => {
    const { api, clock, informers } = createBench()
    api.intercept = r => (r.url.includes('watch') ? { status: 200, headers: {}, body: new Uint8Array() } : undefined)
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    await clock.advance(60_000)
    expect(api.requests.length).toBeLessThan(20)
  })

  test('gives up a watch that has fallen silent, and goes on from the same place', async () => {
    const { api, clock, informers } = createBench()
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    await settle()
    // The other end is gone without a word: what happens there does not arrive.
    const silent = new Channel<Uint8Array>()
    api.cutWatches()
    api.intercept = () => ({ status: 200, headers: {}, body: silent })
    await clock.advance(1_000)
    api.intercept = undefined
    api.put(path('x'), map('1'))
    await clock.advance(120_000)
    expect(informer.list()).toHaveLength(0)
    await clock.advance(90_000)
    expect(informer.list()).toHaveLength(1)
    expect(api.requests.filter(r => !r.includes('watch'))).toHaveLength(1)
  })

  test('keeps indexes, those declared late too', async () => {
    const { api, informers } = createBench()
    api.put(path('x'), map('red'))
    api.put('/api/v1/namespaces/b/configmaps/x', map('red'))
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    informer.addIndex('colour', o => [o.data?.['v'] ?? ''])
    await settle()
    api.put(path('y'), map('red'))
    api.put(path('x'), map('blue'))
    await settle()
    const names = (value: string) =>
      informer.byIndex('colour', value).map(o => `${o.metadata.namespace}/${o.metadata.name}`)
    expect([names('red'), names('blue')]).toEqual([['b/x', 'a/y'], ['a/x']])
    expect(informer.list('a')).toHaveLength(2)
    expect(() => informer.byIndex('size', '1')).toThrow('no index "size"')
  })

  test('hands out frozen objects when asked to', async () => {
    const { api, informers } = createBench()
    api.put(path('x'), map('1'))
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    expect(() => {
      informer.list()[0]!.data!['v'] = '2'
    }).toThrow(TypeError)
  })

  test('a handler that throws does not keep the others from hearing', async () => {
    const { api, informers } = createBench()
    await using informer = informers.for(ConfigMapKind)
    await informer.ready()
    informer.subscribe({
      added() {
        throw new Error('mine')
      },
    })
    const heard = record(informer)
    await settle()
    api.put(path('x'), map('1'))
    await settle()
    expect(heard).toEqual(['+x=1'])
  })

  test('one informer is shared by everybody who asks for the same objects', async () => {
    const { informers } = createBench()
    await using set = informers
    expect(set.for(ConfigMapKind)).toBe(set.for(ConfigMapKind))
    expect(set.for(ConfigMapKind, { namespace: 'a' })).not.toBe(set.for(ConfigMapKind))
    await set.ready()
  })
})
