import { once } from 'node:events'
import * as http2 from 'node:http2'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import type { ApiError } from '../../models/api-error.ts'
import type { ApiRequest } from '../../models/rest.ts'
import { maxBodyBytes } from '../bodies/limits.ts'
import { errorReply } from '../replies/reply.ts'
import { type Listening, listen } from './listener.ts'

/** Tells what came: as one piece, as a stream, or nothing. */
const handler = async (request: ApiRequest) => {
  const refused = await request.receive?.().catch((error: ApiError) => errorReply(error))
  if (refused) return refused
  const { method, body, bodyStream } = request
  const streamed = bodyStream ? Buffer.concat(await Readable.from(bodyStream).toArray()) : undefined
  const said = `${method} ${body ? `body ${Buffer.from(body)}` : streamed ? `stream ${streamed}` : 'nothing'}`
  return { status: 200, headers: {}, body: Buffer.from(said) }
}

let listening: Listening
beforeAll(async () => {
  listening = await listen(handler, { clock: systemClock, log: silentLogger }, { host: '127.0.0.1', port: 0 })
})
afterAll(() => listening.close())

async function send(text: string): Promise<{ status: number; text: string }> {
  const socket = connect(listening.port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  socket.on('data', chunk => (answer += chunk))
  await once(socket, 'close')
  return { status: Number(answer.split(' ')[1]), text: answer.slice(answer.indexOf('\r\n\r\n') + 4) }
}

test.each([
  ['a method that HTTP does not know', 'SUMMON / HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'BadRequest'],
  ['no HTTP at all', '\u0016\u0003\u0001\u0002\u0000\r\n\r\n', 400, 'BadRequest'],
  [
    'a body that says it is too large',
    `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${maxBodyBytes + 1}\r\n\r\n`,
    413,
    'RequestEntityTooLarge',
  ],
  [
    'a body that turns out to be too large',
    `PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${`100000\r\n${'x'.repeat(0x100000)}\r\n`.repeat(4)}`,
    413,
    'RequestEntityTooLarge',
  ],
  ['a head that does not end', `GET / HTTP/1.1\r\na: ${'b'.repeat(2_000_000)}\r\n\r\n`, 431, 'BadRequest'],
])('%s is answered with a Status', async (_title, text, code, reason) => {
  const { status, text: body } = await send(text)
  expect(status).toBe(code)
  expect(body.endsWith('}\n')).toBe(true)
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason })
})

const head = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'host: a', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`

test.each([
  ['without a type', `${head('POST /', 'content-length: 2')}ab`, 'POST body ab'],
  ['in chunks', `${head('PATCH /', 'transfer-encoding: chunked')}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`, 'PATCH body abc'],
  ['of a DELETE', `${head('DELETE /', 'content-length: 2')}{}`, 'DELETE body {}'],
  ['of no length', head('DELETE /', 'content-length: 0'), 'DELETE nothing'],
  ['that is passed on', `${head('PUT /api/v1/nodes/n/proxy/a?b', 'content-length: 2')}ab`, 'PUT stream ab'],
  ['of a GET, which nobody reads,', `${head('GET /', 'content-length: 2')}ab`, 'GET nothing'],
])('a body %s is given to the handler as it should be', async (_title, text, answer) => {
  expect(await send(text)).toEqual({ status: 200, text: answer })
})

test('over HTTP/2 a body needs no header that announces it', async () => {
  const session = http2.connect(`http://127.0.0.1:${listening.port}`)
  const ask = async (method: string, body?: string) => {
    const stream = session.request({ ':method': method, ':path': '/' }, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    return String(Buffer.concat(await stream.toArray()))
  }
  expect([await ask('POST', 'ab'), await ask('DELETE')]).toEqual(['POST body ab', 'DELETE nothing'])
  session.close()
})

test('a client that goes away within its request harms nobody', async () => {
  const socket = connect(listening.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nab')
  await once(socket, 'ready')
  socket.destroy()
  expect((await send(head('GET /'))).text).toBe('GET nothing')
})
