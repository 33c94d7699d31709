import { expect, test } from 'vitest'
import { seededRandom } from '../random.ts'
import { BadHeaderBlock, decodeHeaders, encodeHeaders } from './header-block.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test('blocks are read as the standard’s own examples say', () => {
  // RFC 7541, C.4.1 and C.6.1.
  expect([...decodeHeaders(bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))]).toEqual([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ])
  const answer =
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3'
  expect([...decodeHeaders(bytes(answer))]).toEqual([
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ])
})

test('what is written is read again, whatever its length; the size of the table is passed over', () => {
  const headers = [
    [':method', 'POST'],
    [':path', `/${'x'.repeat(1000)}`],
    ['te', 'trailers'],
    ['containerd-lease', 'ä'.repeat(100)],
  ] as const
  const block = Buffer.concat([bytes('20 3fe11f'), encodeHeaders(headers)])
  expect([...decodeHeaders(block)]).toEqual(headers)
})

test.each([
  ['a header that nobody sent', 'be', 'names header 62'],
  ['header 0', '80', 'names header 0'],
  ['a text that ends too soon', '0085 61', 'is cut off'],
  ['a number without an end', '7fff ffff ffff', 'too large'],
  ['filling that is not ones', '0081 00 00', 'filled up wrongly'],
  ['more filling than a byte', '0081 ff 00', 'filled up wrongly'],
  ['the end as a code', '0084 ffff fffc 00', 'code of its end'],
])('%s is refused', (_, hex, why) => {
  expect(() => decodeHeaders(bytes(hex))).toThrow(why)
})

test('nothing that comes in breaks anything else', () => {
  const random = seededRandom(1)
  for (let i = 0; i < 5_000; i++)
    try {
      decodeHeaders(random.bytes(1 + Math.floor(random.next() * 40)))
    } catch (error) {
      expect(error).toBeInstanceOf(BadHeaderBlock)
    }
})
