import { expect, test } from 'vitest'
import { storeConformance } from './conformance/index.ts'
import { openMemoryStore } from './memory.ts'
import { PrefixedStore } from './prefixed.ts'

storeConformance(
  'a part of a store',
  async clock => new PrefixedStore(await openMemoryStore({ clock, bufferedEvents: 64 }), '/part'),
  { runs: 10 },
)

test('parts of one store do not see each other', async () => {
  await using whole = await openMemoryStore()
  const [one, other] = [new PrefixedStore(whole, '/one'), new PrefixedStore(whole, '/other')]
  await one.commit([{ key: '/a', value: Buffer.from('1') }], new Map([['/a', 0n]]))
  await other.commit([{ key: '/a', value: Buffer.from('2') }], new Map([['/a', 0n]]))
  expect((await one.list('/')).entries).toMatchObject([{ key: '/a', value: Buffer.from('1') }])
  expect((await other.get('/a'))?.value).toEqual(Buffer.from('2'))
  expect((await whole.list('/')).entries.map(({ key }) => key)).toEqual(['/one/a', '/other/a'])
})
