import { afterEach, describe, expect, it } from 'vitest'
import { Node } from '../models/kinds/index.ts'
import { nodeTtlReconciler, stepFor } from './node-ttl.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

describe('how long the agents of a cluster may keep what they know', () => {
  it('grows with it and shrinks later than it grew', () => {
    let step = 0
    const walk = (...sizes: number[]) => sizes.map(nodes => (step = stepFor(nodes, step)))
    expect(walk(1, 100, 101, 90, 89)).toEqual([0, 0, 1, 1, 0])
    expect(walk(501, 450, 449, 1_001, 2_001, 1_800, 1_799, 10)).toEqual([2, 2, 1, 3, 4, 4, 3, 0])
  })

  it('is said on every node', async () => {
    cluster = await startTestCluster({ reconcilers: [nodeTtlReconciler()] })
    const ttls = async () =>
      (await cluster.client.list(Node)).items.map(n => n.metadata.annotations?.['node.alpha.kubernetes.io/ttl'])
    const add = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, i) =>
          cluster.client.create(Node, { metadata: { name: `n${from + i}` }, spec: {} }),
        ),
      )
    await add(0, 100)
    await cluster.pass(2_000)
    expect(new Set(await ttls())).toEqual(new Set(['0']))
    await add(100, 101)
    await cluster.pass(2_000)
    // The others hear of it with their next heartbeat.
    await cluster.client.patch(Node, { name: 'n0' }, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
    await cluster.pass(1_000)
    expect((await ttls()).filter(ttl => ttl === '15')).toHaveLength(2)
  })
})
