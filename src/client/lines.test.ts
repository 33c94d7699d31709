import { expect, test } from 'vitest'
import { noteValue } from '../models/known-values.ts'
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
  const chunk = new Uint8Array(16_384).fill(97)
  const chunks = [...Array.from({ length: 1_024 }, () => chunk), Buffer.from('\n')]
  const began = performance.now()
  expect((await read(chunks))[0]!.length).toBe(16_384 * 1_024)
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('a chunk that is one line is parsed once for all who are given it', async () => {
  const chunk = Buffer.from('{"a":1}\n')
  const read = async (...chunks: Uint8Array[]) => {
    const out: unknown[] = []
    async function* source() {
      yield* chunks
    }
    for await (const value of jsonLines(source())) out.push(value)
    return out
  }
  const [first] = await read(chunk)
  expect(first).toEqual({ a: 1 })
  expect((await read(chunk))[0]).toBe(first)
  const tail = Buffer.from('2}\n')
  expect(await read(Buffer.from('{"b":'), tail, chunk)).toEqual([{ b: 2 }, { a: 1 }])
  expect(await read(Buffer.from('{"c":'), tail, Buffer.from('\n\r\n'))).toEqual([{ c: 2 }])
})

test('a chunk whose writer knows its value is not parsed, unless the writer has nothing to say', async () => {
  const [known, unknown] = [Buffer.from('not JSON\n'), Buffer.from('{"n":1}\n')]
  const value = { a: 1 }
  noteValue(known, () => value)
  noteValue(unknown, () => undefined)
  async function* source() {
    yield known
    yield unknown
  }
  const out: unknown[] = []
  for await (const each of jsonLines(source())) out.push(each)
  expect(out[0]).toBe(value)
  expect(out[1]).toEqual({ n: 1 })
})
