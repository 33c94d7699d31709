import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { farewell } from './farewell.ts'
import { VirtualClock } from './virtual-clock.ts'

const clock = new VirtualClock()
let client: Socket
let ours: Socket

// Neither side ends because the other does, as with connections that HTTP handed over.
beforeEach(async () => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  ;[ours] = (await once(server, 'connection')) as [Socket]
  server.close()
})
afterEach(() => {
  client.destroy()
  ours.destroy()
})

test('what is on its way arrives, and the connection is closed when the peer has ended its side', async () => {
  const large = Buffer.alloc(1 << 22, 'a')
  ours.write(large)
  farewell(ours, 'last', clock)
  client.write('what nobody reads')
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk)
  const all = Buffer.concat(chunks)
  expect(all.length).toBe(large.length + 4)
  expect(all.subarray(-4).toString()).toBe('last')
  expect(ours.closed).toBe(false)
  client.end()
  await once(ours, 'close')
})

test('a peer that does not end its side is cut off', async () => {
  farewell(ours, undefined, clock)
  client.resume()
  await once(client, 'end')
  await clock.advance(29_999)
  expect(ours.destroyed).toBe(false)
  await clock.advance(1)
  expect(ours.destroyed).toBe(true)
})

test('what is over is left alone', async () => {
  ours.destroy()
  await once(ours, 'close')
  farewell(ours, 'last', clock)
})
