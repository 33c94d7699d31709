import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sign, signatureOf, unsigned } from './signed.ts'

const plain = (bytes: Uint8Array) => new Uint8Array(bytes)
const signature = { timeMs: 1_764_000_000_123, author: { user: 'Grüße an jane', request: 'an-id' } }

it('a signed value gives back its bytes, its author and the time', () => {
  const signed = Buffer.from(sign(plain(Buffer.from('{"a":1}')), signature))
  expect(Buffer.from(unsigned(signed)).toString()).toBe('{"a":1}')
  expect(signatureOf(signed)).toEqual(signature)
})

it('any bytes come back as they were, also those of a signed value that is written as it is', () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.uint8Array().map(value => plain(sign(value, signature))),
    fc.uint8Array().map(value => plain(sign(value, signature)).subarray(-10)),
  )
  fc.assert(
    fc.property(bytes, value => {
      const stored = Buffer.from(sign(value, undefined))
      expect(unsigned(stored)).toEqual(plain(value))
      expect(signatureOf(stored)).toBeUndefined()
      expect(unsigned(Buffer.from(sign(value, signature)))).toEqual(plain(value))
    }),
  )
})
