import { createServer, type Server } from 'node:https'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { type NodeDialer, tlsNodeDialer } from './node-dialer.ts'

let servers: Record<string, Server>
let dialer: NodeDialer

beforeAll(async () => {
  const ca = await createAuthority('test', systemClock)
  const own = await issueCertificate(ca, { commonName: 'node-1', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  const client = await issueCertificate(ca, { commonName: 'kube-apiserver', usages: ['client'] }, systemClock)
  const listening = async (host: string) => {
    const server = createServer({ cert: own.cert, key: own.key }, (request, reply) => reply.end(request.headers.host))
    await new Promise<void>(done => server.listen(0, host, done))
    return [host, server] as const
  }
  servers = Object.fromEntries(await Promise.all(['127.0.0.1', '127.0.0.2'].map(listening)))
  dialer = tlsNodeDialer({ ca: ca.cert, ...client })
})
afterAll(() => {
  for (const server of Object.values(servers)) server.close()
})

async function hostSeenAt(host: string): Promise<string> {
  const { port } = servers[host]!.address() as { port: number }
  const request = { method: 'GET', path: '/pods', headers: { host: 'api.test' }, signal: new AbortController().signal }
  const { body } = await dialer.open({ name: 'node-2', host, port }, request)
  return (await text(body)).replace(`:${port}`, '')
}

it('says which node it means, for several may share one server', async () => {
  expect(await hostSeenAt('127.0.0.1')).toBe('node-2')
})

it('expects the address in the certificate, not the name', async () => {
  await expect(hostSeenAt('127.0.0.2')).rejects.toThrow('127.0.0.2 is not in the cert')
})
