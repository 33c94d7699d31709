import { expect, test } from 'vitest'
import type { ValueStream } from '../models/value-stream.ts'
import { jsonLines, lines } from './lines.ts'

async function read(chunks: Uint8Array[]): Promise<string[]> {
  const out: string[] = []
  async function* source() {
    yield* chunks
  }
  for await (const line of lines(source())) out.push(line)
  return out
}

test('lines come out whole however the bytes were cut, inside a character too', async () => {
  const bytes = Buffer.from('{"a":"ä€😀"}\n\n{"b":2}\r\nunfinished')
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    expect((await read(chunks)).map(l => l.trim())).toEqual(['{"a":"ä€😀"}', '{"b":2}'])
  }
})

test('a line of 16 MB in small chunks takes time in proportion to its length', async () => {
  // Copied anew with each chunk it would be a terabyte.
  const chunk = new Uint8Array(128).fill(97)
  const chunks = [...Array.from({ length: 131_072 }, () => chunk), Buffer.from('\n')]
  expect((await read(chunks))[0]!.length).toBe(128 * 131_072)
})

test('a stream whose writer knows the values is not parsed', async () => {
  const value = { a: 1 }
  const stream: ValueStream = {
    [Symbol.asyncIterator]: () => expect.unreachable('nobody reads the lines'),
    async *jsonValues() {
      yield value
      return undefined
    },
  }
  const out: unknown[] = []
  for await (const each of jsonLines(stream)) out.push(each)
  expect(out).toHaveLength(1)
  expect(out[0]).toBe(value)
})

test('of other streams the lines are parsed', async () => {
  async function* source() {
    yield Buffer.from('{"a":1}\n{"b"')
    yield Buffer.from(':2}\n\n')
  }
  const out: unknown[] = []
  for await (const each of jsonLines(source())) out.push(each)
  expect(out).toEqual([{ a: 1 }, { b: 2 }])
})
