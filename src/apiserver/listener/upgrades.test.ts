import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { ApiRequest } from '../../models/rest.ts'
import { serveUpgrade } from './upgrades.ts'

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
