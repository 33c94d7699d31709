import { once } from 'node:events'
import * as http2 from 'node:http2'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import * as tls from 'node:tls'
import { expect, test, vi } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { ApiHandler } from '../../models/rest.ts'
import type { TunnelReply } from '../nodes/tunnel.ts'
import { listen } from './listener.ts'

const never = () => new Promise<never>(() => {})

/** Says that it is there, and nothing ever after. */
const silentHandler: ApiHandler = async () => ({
  status: 200,
  headers: {},
  body: (async function* () {
    yield Buffer.from('first')
    await never()
  })(),
})

async function listenSecurely(handler: ApiHandler) {
  const clock = new VirtualClock()
  const ca = await createAuthority('ca', systemClock)
  const { cert, key } = await issueCertificate(
    ca,
    { commonName: 'server', ips: ['127.0.0.1'], usages: ['server'] },
    systemClock,
  )
  const listening = await listen(
    handler,
    { clock, log: silentLogger },
    { host: '127.0.0.1', port: 0, tls: { cert, key } },
  )
  return { clock, listening }
}

const clients: [string, (port: number) => Promise<{ destroy(): void }>][] = [
  [
    'never says hello',
    async port => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    },
  ],
  [
    'reads a stream over HTTP/2 that does not end',
    async port => {
      const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
      session.on('error', () => {})
      const stream = session.request({ ':path': '/' })
      stream.on('error', () => {})
      await once(stream, 'data')
      return session
    },
  ],
  [
    'waits for another protocol',
    async port => {
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: SPDY/3.1\r\n\r\n')
      await once(socket, 'data')
      return socket
    },
  ],
]

test.each(clients)('closes though a client %s', async (_title, client) => {
  const { clock, listening } = await listenSecurely(silentHandler)
  const open = await client(listening.port)
  const closed = listening.close()
  const left = clock.advance(1_000)
  await expect(closed).resolves.toBeUndefined()
  await left
  open.destroy()
})

test.each(['SPDY/3.1', 'websocket'])(
  'a connection that was handed over (%s) is closed once the backend is gone and the client has ended',
  async protocol => {
    const backend = new PassThrough()
    let gone: AbortSignal | undefined
    const { listening } = await listenSecurely(async request => {
      gone = request.signal
      const reply: TunnelReply = { status: 101, headers: {}, body: Buffer.of(), tunnel: { backend, head: Buffer.of() } }
      return reply
    })
    const client = tls.connect({
      ...{ port: listening.port, host: '127.0.0.1' },
      ...{ rejectUnauthorized: false, allowHalfOpen: true },
    })
    client.write(`GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`)
    await once(client, 'data')
    backend.end()
    client.resume()
    await once(client, 'end')
    client.end('what nobody reads any more')
    await vi.waitFor(() => expect(gone?.aborted).toBe(true), 5_000)
    await listening.close()
  },
)
