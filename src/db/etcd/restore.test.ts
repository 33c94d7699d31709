import { expect, it } from 'vitest'
import { batchesOf } from './restore.ts'

it('entries go together as far as etcd takes them: 128 in a request, and a megabyte', () => {
  const entry = (n: number, bytes: number) => ({
    key: `/k/${n}`,
    value: new Uint8Array(bytes),
    revision: BigInt(n),
    created: BigInt(n),
  })
  const small = Array.from({ length: 300 }, (_, n) => entry(n, 10))
  const large = [700_000, 400_000, 2_000_000, 10].map((bytes, n) => entry(300 + n, bytes))
  const batches = batchesOf([...small, ...large])
  expect(batches.map(b => b.length)).toEqual([128, 128, 45, 1, 1, 1])
  expect(batches.flat()).toEqual([...small, ...large])
  expect(batchesOf([])).toEqual([])
})
