import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { ApiRequest } from '../../models/rest.ts'
import { serveUpgrade, upgradeRequest } from './upgrades.ts'

test('a stream for who asks to switch to nothing we know waits for who does not read', async () => {
  let given = 0
  const body = async function* () {
    for (; given < 1_000; given++) yield Buffer.alloc(1_024)
  }
  const handler = async () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: body() })
  const socket = new Duplex({ read() {}, write() {}, writableHighWaterMark: 1 })
  const message = { headers: { upgrade: 'something/1' } } as never
  const request = { method: 'GET', url: '/', headers: {} } as ApiRequest
  const served = serveUpgrade(handler, request, message, socket, Buffer.of(), new VirtualClock())
  for (let i = 0; i < 20; i++) await turn()
  expect(given).toBeLessThan(3)
  socket.destroy()
  await served
})

test('a token among the sub-protocols is for nobody behind, and alone it counts for nothing', () => {
  const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`
  const headersOf = (offered: string) => {
    const headers = { 'sec-websocket-protocol': offered }
    const message = { url: '/', headers, socket: {} }
    return upgradeRequest(message, {} as never, new AbortController().signal).headers
  }
  expect(headersOf(`v5.channel.k8s.io, ${token}`)).toEqual({
    'sec-websocket-protocol': 'v5.channel.k8s.io',
    authorization: 'Bearer secret',
  })
  expect(headersOf(token)).toEqual({})
  expect(headersOf('v5.channel.k8s.io')).toEqual({ 'sec-websocket-protocol': 'v5.channel.k8s.io' })
})
