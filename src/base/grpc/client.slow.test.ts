import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http2 from 'node:http2'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GrpcClient } from './client.ts'
import { grpcStatus } from './status.ts'

const never = new AbortController().signal
const method = (path: string) => ({
  path: `/test.Service/${path}`,
  encode: (value: object) => (value as { bytes: Buffer }).bytes,
  decode: (bytes: Buffer) => ({ bytes: Buffer.from(bytes) }),
})
const text = (value: string) => ({ bytes: Buffer.from(value) })
const many = (size: number, byte: number) => ({ bytes: Buffer.alloc(size, byte) })

let folder: string
let socket: string
let server: Server
let gone: number
let written: number
let client: GrpcClient

/** gRPC's own server, so that both sides were not written by the same people. */
async function listen(): Promise<void> {
  server = new Server({ 'grpc.max_receive_message_length': 1 << 30 })
  const bytes = (value: Buffer) => value
  const about = (path: string, requestStream: boolean, responseStream: boolean) => ({
    ...{ path: `/test.Service/${path}`, requestStream, responseStream },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  })
  server.addService(
    {
      echo: about('Echo', false, false),
      fail: about('Fail', false, false),
      wait: about('Wait', false, false),
      count: about('Count', false, true),
      pour: about('Pour', false, true),
      sum: about('Sum', true, true),
      refuse: about('Refuse', true, true),
    },
    {
      echo: (call: any, reply: any) =>
        reply(null, Buffer.concat([Buffer.from(String(call.metadata.get('lease')[0] ?? '')), call.request])),
      fail: (_: any, reply: any) => reply({ code: grpcStatus.NOT_FOUND, details: 'kein Behälter „x“ 100 %' }),
      wait: (call: any) => call.on('cancelled', () => gone++),
      async count(call: any) {
        call.on('cancelled', () => gone++)
        for (let i = 0; i < Number(call.request.toString()); i++) call.write(Buffer.from(`${i}`))
        call.end()
      },
      async pour(call: any) {
        call.on('cancelled', () => gone++)
        for (; !call.cancelled && written < 64; written++)
          if (!call.write(Buffer.alloc(1 << 20))) await new Promise(resolve => call.once('drain', resolve))
        call.end()
      },
      sum(call: any) {
        let sum = 0
        call.on('data', (chunk: Buffer) => {
          sum += chunk.length
          call.write(Buffer.from(`${sum}`))
        })
        call.on('end', () => (sum === 40 << 20 ? call.end() : call.emit('error', { code: 3, details: `${sum}` })))
      },
      refuse: (call: any) => call.emit('error', { code: grpcStatus.FAILED_PRECONDITION, details: 'no' }),
    },
  )
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), e => (e ? reject(e) : resolve())),
  )
}

beforeEach(async () => {
  folder = await mkdtemp('/tmp/grpc-client-')
  socket = join(folder, 'socket')
  gone = 0
  written = 0
  await listen()
  client = new GrpcClient(socket)
})

afterEach(async () => {
  client[Symbol.dispose]()
  server.forceShutdown()
  await rm(folder, { recursive: true, force: true })
})

const echo = (value: object, metadata = {}) => client.unary<{ bytes: Buffer }>(method('Echo'), value, metadata).reply

test('a call has its reply, with what is told beside it', async () => {
  expect(await echo(text('hello'))).toEqual(text('hello'))
  expect(await echo(text('hello'), { lease: 'mine:' })).toEqual(text('mine:hello'))
  expect(await echo({ bytes: Buffer.alloc(0) })).toEqual({ bytes: Buffer.alloc(0) })
})

test('many calls at once, small and large, have each its own reply', async () => {
  const sizes = Array.from({ length: 200 }, (_, i) => (i % 20 ? i : 300_000))
  const replies = await Promise.all(sizes.map((size, i) => echo(many(size, i))))
  expect(replies.map(({ bytes }, i) => bytes.equals(many(sizes[i]!, i).bytes))).toEqual(sizes.map(() => true))
})

test('a message may be larger than what either side may send at first', async () => {
  const large = many(20 << 20, 7)
  for (let i = 0; i < 3; i++) expect((await echo(large)).bytes.equals(large.bytes)).toBe(true)
})

test('a failure has the server’s code and words', async () => {
  const failure = client.unary(method('Fail'), text('')).reply
  await expect(failure).rejects.toMatchObject({ code: 5, message: 'kein Behälter „x“ 100 %', lost: false })
  await expect(client.unary(method('Nothing'), text('')).reply).rejects.toMatchObject({ code: 12, lost: false })
})

test('a call that is cancelled ends at once, and the server hears of it', async () => {
  const { reply, cancel } = client.unary(method('Wait'), text(''))
  await echo(text(''))
  cancel()
  await expect(reply).rejects.toMatchObject({ code: 1 })
  await vi.waitFor(() => expect(gone).toBe(1))
})

test('a stream tells what comes in its order, until it ends or is left', async () => {
  const all: string[] = []
  for await (const { bytes } of client.stream<{ bytes: Buffer }>(method('Count'), text('1000'), {}, never))
    all.push(bytes.toString())
  expect(all).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`))
  for await (const _ of client.stream(method('Pour'), text(''), {}, never)) break
  await vi.waitFor(() => expect(gone).toBe(1))
})

test('who does not take what comes holds up its own stream, and nobody else', async () => {
  const stream = client.stream<{ bytes: Buffer }>(method('Pour'), text(''), {}, never)
  await stream.next()
  await pause(200)
  expect(written).toBeLessThan(16)
  expect(await echo(text('meanwhile'))).toEqual(text('meanwhile'))
  let bytes = 1 << 20
  for await (const more of stream) bytes += more.bytes.length
  expect(bytes).toBe(64 << 20)
})

test('a stream whose signal aborts ends silently', async () => {
  const abort = new AbortController()
  const stream = client.stream(method('Wait'), text(''), {}, abort.signal)
  const next = stream.next()
  await echo(text(''))
  abort.abort()
  expect(await next).toEqual({ value: undefined, done: true })
  expect(await client.stream(method('Count'), text('1'), {}, abort.signal).next()).toMatchObject({ done: true })
})

test('an upload is sent as fast as it is taken, and ends when the server has it', async () => {
  async function* requests() {
    for (let i = 0; i < 40; i++) yield many(1 << 20, i)
  }
  await client.upload(method('Sum'), requests())
  await expect(client.upload(method('Refuse'), requests())).rejects.toMatchObject({ code: 9, message: 'no' })
  async function* broken() {
    yield text('x')
    throw new Error('nothing to send')
  }
  await expect(client.upload(method('Sum'), broken())).rejects.toThrow('nothing to send')
})

test('while nobody listens calls fail at once, and go on when somebody does', async () => {
  const waiting = client.unary(method('Wait'), text('')).reply
  waiting.catch(() => {})
  await echo(text(''))
  server.forceShutdown()
  await expect(waiting).rejects.toMatchObject({ lost: true })
  await rm(socket, { force: true })
  await expect(echo(text(''))).rejects.toMatchObject({
    code: 14,
    lost: true,
    message: expect.stringContaining('ENOENT'),
  })
  await listen()
  expect(await echo(text('again'))).toEqual(text('again'))
})

test('a server that takes few calls at once gets no more; one that goes away ends what it began, and is met anew', async () => {
  const path = join(folder, 'small')
  const small = http2.createServer({ settings: { maxConcurrentStreams: 2 } })
  const open = new Set<http2.ServerHttp2Stream>()
  const sessions: http2.ServerHttp2Session[] = []
  let most = 0
  small.on('session', session => sessions.push(session))
  small.on('stream', async stream => {
    most = Math.max(most, open.add(stream).size)
    await pause(5)
    open.delete(stream)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.from([0, 0, 0, 0, 1, 65]))
  })
  await once(small.listen(path), 'listening')
  using other = new GrpcClient(path)
  const ask = () => other.unary<{ bytes: Buffer }>(method('Any'), text('')).reply
  await ask()
  expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array.from({ length: 20 }, () => text('A')))
  expect(most).toBe(2)
  const last = ask()
  await once(small, 'stream')
  sessions[0]!.close()
  expect(await last).toEqual(text('A'))
  expect([await ask(), sessions.length]).toEqual([text('A'), 2])
  small.close()
})
