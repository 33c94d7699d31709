import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { openEtcdDatastore } from '../datastore/etcd-datastore.ts'
import type { KeyValue, KeyValues } from '../datastore/key-values.ts'
import { CalicoNodeStatus } from '../kinds/index.ts'
import { askBgpSessions, bgpProblems } from './bgp-sessions.ts'

function memoryKeys(): KeyValues & { values: Map<string, KeyValue> } {
  const values = new Map<string, KeyValue>()
  let revision = 0
  return {
    values,
    where: 'memory',
    get: async key => values.get(key),
    list: async prefix => [...values.values()].filter(({ key }) => key.startsWith(prefix)),
    async put(key, value, seen) {
      if (values.get(key)?.revision !== seen) return undefined
      values.set(key, { key, value, revision: String(++revision) })
      return String(revision)
    },
    async delete(key, seen) {
      return values.get(key)?.revision === seen && values.delete(key)
    },
  }
}

const mesh = { peerIP: '10.0.0.2', type: 'NodeMesh', state: 'Established', since: '09:23:22' }

describe('a node asked for its BGP sessions', () => {
  const clock = new VirtualClock()
  const keys = memoryKeys()
  const datastore = openEtcdDatastore({ keys, clock, uuid: () => 'a-uuid' })
  const signal = new AbortController().signal
  /** As calico-node does: the object is read and put back with its status. */
  async function answer(node: string, peersV4: object[]) {
    const asked = (await datastore.list(CalicoNodeStatus)).find(o => o.spec.node === node)!
    await datastore.update(CalicoNodeStatus, { ...asked, status: { lastUpdated: '2026-01-01', bgp: { peersV4 } } })
    return asked
  }

  test('answers in the status of the question, which is taken back then', async () => {
    const answers = askBgpSessions(datastore, ['n1', 'n2'], { clock, signal })
    await clock.advance(0)
    expect((await answer('n1', [mesh])).spec).toEqual({ node: 'n1', classes: ['BGP'], updatePeriodSeconds: 10 })
    await answer('n2', [])
    await clock.advance(200)
    const session = { peer: '10.0.0.2', type: 'NodeMesh', state: 'Established', since: '09:23:22' }
    expect(await answers).toEqual(
      new Map([
        ['n1', { sessions: [session] }],
        ['n2', { sessions: [] }],
      ]),
    )
    expect([...keys.values.keys()]).toEqual([])
  })

  test('that says nothing is told apart from one that has no sessions, and what others ask stays', async () => {
    const other = { metadata: { name: 'mine' }, spec: { node: 'n1', classes: ['BGP' as const] } }
    await datastore.create(CalicoNodeStatus, other)
    const answers = askBgpSessions(datastore, ['n1'], { clock, signal, timeoutMs: 3_000 })
    await clock.advance(3_200)
    expect(await answers).toEqual(
      new Map([['n1', { unknown: 'calico-node has not answered for its BGP sessions within 3 s' }]]),
    )
    expect([...keys.values.keys()]).toEqual(['/calico/resources/v3/projectcalico.org/caliconodestatuses/mine'])
    keys.values.clear()
  })

  test('is asked with at most nine others at a time', async () => {
    const nodes = Array.from({ length: 12 }, (_, i) => `n${i}`)
    const answers = askBgpSessions(datastore, nodes, { clock, signal })
    await clock.advance(0)
    expect(keys.values.size).toBe(10)
    for (const node of nodes.slice(0, 10)) await answer(node, [])
    await clock.advance(200)
    expect(keys.values.size).toBe(2)
    for (const node of nodes.slice(10)) await answer(node, [])
    await clock.advance(200)
    expect((await answers).size).toBe(12)
  })

  test('is asked no more when somebody interrupts', async () => {
    const stop = new AbortController()
    const answers = askBgpSessions(datastore, ['n1'], { clock, signal: stop.signal })
    await clock.advance(0)
    expect(keys.values.size).toBe(1)
    stop.abort(new Error('interrupted'))
    await expect(answers).rejects.toThrow('interrupted')
    expect(keys.values.size).toBe(0)
  })
})

test('only sessions that are not up are trouble', () => {
  const up = { peer: '10.0.0.2', type: 'NodeMesh', state: 'Established', since: '09:23:22' }
  expect(bgpProblems({ sessions: [up, { ...up, peer: '10.0.0.9', type: 'GlobalPeer', state: 'Active' }] })).toEqual([
    'BGP with 10.0.0.9 (GlobalPeer) is Active since 09:23:22: is port 179/tcp open between them, and the AS number right on both sides?',
  ])
  expect(bgpProblems({ sessions: [] })).toEqual([])
})
