import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { Bucket } from './bucket.ts'
import { KeptObject } from './kept-object.ts'

const prefix = '/registry/core/pods/'

function kept(namespace: string, name: string, revision: number): KeptObject {
  const bytes = Buffer.from(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${name}"}}`)
  return new KeptObject(`${prefix}${namespace}/${name}`, namespace, name, revision, bytes)
}

const shown = (objects: readonly KeptObject[] | undefined) =>
  objects?.map(o => `${o.namespace}/${o.name}@${o.revision}`)

test('the ring tells what a list showed at each revision that it reaches back to, in the order of then', () => {
  const random = seededRandom(7)
  const pick = <T>(all: readonly T[]) => all[Math.floor(random.next() * all.length)]!
  const bucket = new Bucket(prefix, true, 0, 50)
  const lists = new Map<number, string[][]>()
  const note = (revision: number) =>
    lists.set(
      revision,
      [undefined, 'a', 'a-b'].map(n => shown(bucket.list(n))!),
    )
  for (let revision = 1; revision <= 200; revision++) {
    const namespace = pick(['a', 'a-b', 'b'])
    const name = pick(['p', 'q', 'q-r', 's'])
    if (random.next() < 0.6) bucket.put(kept(namespace, name, revision))
    else bucket.delete(namespace, name, revision)
    note(revision)
  }
  const told = [...lists].filter(([revision]) => bucket.since(revision))
  expect(told.length).toBeGreaterThanOrEqual(50)
  for (const [revision, then] of told)
    expect([undefined, 'a', 'a-b'].map(n => shown(bucket.listAt(revision, n)))).toEqual(then)
  expect(bucket.listAt(1)).toBeUndefined()
})

test('changes that are forgotten are told by the ring no more, later ones as before; of a quiet resource nothing is lost', () => {
  const bucket = new Bucket(prefix, true, 0, 50)
  for (const revision of [10, 20, 30]) bucket.put(kept('a', 'p', revision))
  const told = (revision: number) => bucket.since(revision)?.map(e => e.revision)
  bucket.forgetThrough(5)
  expect(told(0)).toEqual([10, 20, 30])
  bucket.forgetThrough(25)
  expect([told(24), told(25)]).toEqual([undefined, [30]])
  expect(shown(bucket.listAt(29))).toEqual(['a/p@20'])
  bucket.forgetThrough(100)
  expect([told(99), told(100)]).toEqual([undefined, []])
  bucket.put(kept('a', 'p', 110))
  bucket.forgetThrough(60)
  expect([told(99), told(100)]).toEqual([undefined, [110]])
})

test('while something cannot be decoded, nothing is said of the past', () => {
  const bucket = new Bucket(prefix, true, 0, 50)
  bucket.put(kept('a', 'p', 1))
  bucket.put(new KeptObject(`${prefix}a/q`, 'a', 'q', 2, Buffer.from('{')))
  expect(shown(bucket.list())).toEqual(['a/p@1'])
  expect(bucket.listAt(1)).toBeUndefined()
})

test('the metadata of a kept object is cut out of its bytes, whatever its strings hold', () => {
  const metadata = { name: 'x', annotations: { a: '}"{\\"', b: '"},"spec":{' }, ownerReferences: [{ uid: '}' }] }
  const bytes = Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata, spec: { a: {} } }))
  const object = new KeptObject('', '', 'x', 1, bytes)
  expect(JSON.parse(object.metadataBytes().toString())).toEqual(metadata)
  expect(object.metadataBytes().toString()).toBe(JSON.stringify(metadata))
})
