import { Duplex, PassThrough } from 'node:stream'
import { constants, createDeflate, createInflate, deflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { spdyDictionary } from './spdy-dictionary.ts'
import { type SpdyStream, serveSpdy } from './spdy-session.ts'
import { forwardSpdyPorts } from './spdy-streams.ts'

/** Two ends of one connection in memory. */
function pair(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()]
  return [Duplex.from({ readable: there, writable: back }), Duplex.from({ readable: back, writable: there })]
}

const uint32 = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])
const frame = (first: number, flags: number, body: Buffer) =>
  Buffer.concat([uint32(first), uint32((flags << 24) | body.length), body])
const control = (kind: number) => 0x80030000 + kind

/** A client that opens streams and collects what comes back by stream. */
function client(connection: Duplex) {
  const deflate = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  const replies: number[] = []
  const data = new Map<number, string>()
  const ended = new Set<number>()
  let rest = Buffer.alloc(0)
  connection.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 8 && rest.length >= 8 + (rest.readUInt32BE(4) & 0xffffff)) {
      const body = rest.subarray(8, 8 + (rest.readUInt32BE(4) & 0xffffff))
      const [first, flags] = [rest.readUInt32BE(0), rest[4]!]
      rest = rest.subarray(8 + body.length)
      if (first === control(2)) replies.push(body.readUInt32BE(0))
      if (first === control(6)) replies.push(-body.readUInt32BE(0))
      if (first & 0x80000000) continue
      data.set(first, (data.get(first) ?? '') + body.toString())
      if (flags & 1) ended.add(first)
    }
  })
  return {
    replies,
    data,
    ended,
    async open(id: number, headers: Record<string, string>, flags = 0) {
      const parts = [uint32(Object.keys(headers).length)]
      for (const word of Object.entries(headers).flat()) parts.push(uint32(word.length), Buffer.from(word))
      deflate.write(Buffer.concat(parts))
      const block = await new Promise<Buffer>(resolve => deflate.once('data', resolve))
      connection.write(frame(control(1), flags, Buffer.concat([uint32(id), uint32(0), Buffer.from([0, 0]), block])))
    },
    write: (id: number, words: string, flags = 0) => connection.write(frame(id, flags, Buffer.from(words))),
    ping: (id: number) => connection.write(frame(control(6), 0, uint32(id))),
  }
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(resolve => setImmediate(resolve))
}

it('the dictionary is the one that zlib streams of SPDY/3 name', () => {
  expect(spdyDictionary.length).toBe(1423)
  expect(deflateSync(Buffer.from('x'), { dictionary: spdyDictionary }).subarray(2, 6).toString('hex')).toBe('e3c6a7c2')
  expect(createInflate({ dictionary: spdyDictionary })).toBeDefined()
})

it('streams come with their headers, bytes go both ways, and each side ends its own half', async () => {
  const [there, here] = pair()
  const streams: SpdyStream[] = []
  serveSpdy(here, stream => streams.push(stream))
  const peer = client(there)
  await peer.open(1, { streamType: 'data', port: '80' })
  await peer.open(3, { streamType: 'error', port: '80' }, 1)
  peer.ping(7)
  await until(() => streams.length === 2 && peer.replies.length === 3)
  expect(streams.map(s => Object.fromEntries(s.headers))).toEqual([
    { streamtype: 'data', port: '80' },
    { streamtype: 'error', port: '80' },
  ])
  expect(peer.replies).toEqual([1, 3, -7])
  peer.write(1, 'to ')
  peer.write(1, 'you', 1)
  const heard = ['', '']
  const over = streams.map((s, i) => {
    s.on('data', chunk => {
      heard[i] += chunk
    })
    return new Promise(resolve => s.on('end', resolve))
  })
  await Promise.all(over)
  expect(heard).toEqual(['to you', ''])
  streams[0]!.end('to me')
  await until(() => peer.ended.has(1))
  expect(peer.data.get(1)).toBe('to me')
})

it('a forwarded port carries bytes, and one that is closed says so on its error stream', async () => {
  const [there, here] = pair()
  forwardSpdyPorts(here, async port => {
    if (port !== 80) throw new Error('connection refused')
    const [pod, node] = pair()
    pod.on('data', (chunk: Buffer) => pod.end(`echo ${chunk}`))
    return { readable: node, writable: node }
  })
  const peer = client(there)
  for (const [id, port] of [
    [1, '80'],
    [5, '81'],
  ] as const) {
    await peer.open(id, { streamtype: 'error', port, requestid: String(id) })
    await peer.open(id + 2, { streamtype: 'data', port, requestid: String(id) })
  }
  peer.write(3, 'hello', 1)
  await until(() => [1, 3, 5, 7].every(id => peer.ended.has(id)))
  expect(Object.fromEntries(peer.data)).toEqual({
    1: '',
    3: 'echo hello',
    5: 'error forwarding port 81 to pod: connection refused',
    7: '',
  })
})

it('what is no SPDY ends the connection, not the program', async () => {
  const [there, here] = pair()
  serveSpdy(here, () => {})
  there.on('error', () => {})
  there.write(frame(control(1), 0, Buffer.from('this is no header block')))
  await until(() => here.destroyed)
})
