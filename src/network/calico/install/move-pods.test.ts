import { expect, test } from 'vitest'
import type { Client } from '../../../client/index.ts'
import type { Pod } from '../../../models/types/core-v1.ts'
import { isStray, moveStrayPods, strayPods } from './move-pods.ts'

const pools = [{ metadata: { name: 'a' }, spec: { cidr: '10.240.0.0/16' } }]
const pod = (name: string, podIP: string, owned = true) =>
  ({
    metadata: {
      namespace: 'shop',
      name,
      ...(owned ? { ownerReferences: [{ kind: 'ReplicaSet', name: 'r', controller: true }] } : {}),
    },
    spec: {},
    status: { phase: 'Running', podIP },
  }) as unknown as Pod

/** Evicted pods are gone from the list. */
function cluster(pods: Pod[], evicted: (name: string) => void = () => {}) {
  let left = pods
  const client = {
    list: async () => ({ items: left }),
    async post(_: unknown, { name }: { name: string }) {
      left = left.filter(p => p.metadata.name !== name)
      evicted(name)
    },
  } as unknown as Client
  return client
}

test('only pods of another network move, and only those that somebody makes again', async () => {
  const client = cluster([pod('old', '10.244.0.5'), pod('bare', '10.244.0.6', false), pod('new', '10.240.0.7')])
  const stray = await strayPods(client, pools)
  expect(await moveStrayPods(client, stray, new AbortController().signal)).toEqual({
    moved: 1,
    refused: ['shop/bare (nobody would make it again)'],
  })
})

test('interrupted after the first pod it goes on with the second, and nobody is evicted twice', async () => {
  const stop = new AbortController()
  const evicted: string[] = []
  const client = cluster([pod('a', '10.244.0.5'), pod('b', '10.244.0.6'), pod('c', '10.244.0.7')], name => {
    evicted.push(name)
    stop.abort(new DOMException('interrupted', 'AbortError'))
  })
  const move = async (signal: AbortSignal) => moveStrayPods(client, await strayPods(client, pools), signal)
  await expect(move(stop.signal)).rejects.toThrow('interrupted')
  expect(evicted).toEqual(['a'])
  expect(await move(new AbortController().signal)).toEqual({ moved: 2, refused: [] })
  expect(evicted).toEqual(['a', 'b', 'c'])
})

test('pods that ended, are on their way out, or live in the network of their node are no strays', () => {
  const stray = pod('old', '10.244.0.5')
  expect(isStray(stray, pools)).toBe(true)
  expect(isStray({ ...stray, status: { ...stray.status, phase: 'Succeeded' } }, pools)).toBe(false)
  expect(isStray({ ...stray, spec: { hostNetwork: true } as Pod['spec'] }, pools)).toBe(false)
  const leaving = { ...stray.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
  expect(isStray({ ...stray, metadata: leaving }, pools)).toBe(false)
})
