import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'
import type { Listening } from './listener.ts'

let server: TestServer
let listening: Listening
beforeAll(async () => {
  const clock = new VirtualClock()
  server = await startTestServer({ clock, store: await openMemoryStore({ clock }), tokens: { secret: admin } })
  listening = await server.api.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await listening.close()
  await server[Symbol.asyncDispose]()
})

/** The first line of the answer to the head alone, or to what follows it. */
async function answer(authorization: string, body = ''): Promise<string> {
  const text = JSON.stringify({ metadata: { name: 'made' } })
  const head = ['POST /api/v1/namespaces HTTP/1.1', 'host: a', 'content-type: application/json', authorization]
  const socket = connect(listening.port, '127.0.0.1')
  socket.write(`${[...head, `content-length: ${text.length}`].filter(Boolean).join('\r\n')}\r\n\r\n${body && text}`)
  const [first] = await once(socket, 'data')
  socket.destroy()
  return String(first).split('\r\n')[0]!
}

test('who may not ask is answered without a look at what he sends', async () => {
  expect(await answer('')).toMatch(/^HTTP\/1.1 403 /)
  expect(await answer('authorization: Bearer wrong')).toMatch(/^HTTP\/1.1 401 /)
  expect(await answer('authorization: Bearer secret', 'sent')).toMatch(/^HTTP\/1.1 201 /)
})
