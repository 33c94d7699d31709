import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { type Listening, listen } from './listener.ts'

let listening: Listening
beforeAll(async () => {
  const handler = async () => ({ status: 200, headers: {}, body: Buffer.from('ok') })
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
  ['an address that cannot be decoded', 'GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400, 'BadRequest'],
  ['no HTTP at all', '\u0016\u0003\u0001\u0002\u0000\r\n\r\n', 400, 'BadRequest'],
  ['a head that does not end', `GET / HTTP/1.1\r\na: ${'b'.repeat(2_000_000)}\r\n\r\n`, 431, 'BadRequest'],
])('%s is answered with a Status', async (_title, text, code, reason) => {
  const { status, text: body } = await send(text)
  expect(status).toBe(code)
  expect(body.endsWith('}\n')).toBe(true)
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason })
})
