import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import * as tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb } from '../base/web-server.ts'
import { Entrances } from './entrances.ts'
import { GatewayProxy } from './proxy.ts'
import type { PortRoutes } from './routing-table.ts'

describe('TLS that is passed through', () => {
  const outside = { clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger }
  const proxy = new GatewayProxy({ ...outside, securePort: () => undefined })
  let entrances: Entrances
  let backend: tls.Server
  let ca: string
  let own: { cert: string; key: string }
  let port: number

  beforeAll(async () => {
    const authority = await createAuthority('test', systemClock)
    ca = authority.cert
    const issue = (name: string) =>
      issueCertificate(authority, { commonName: name, dnsNames: [name], usages: ['server'] }, systemClock)
    own = await issue('ours.test')
    backend = tls.createServer(await issue('theirs.test'), socket => {
      socket.on('error', () => {})
      socket.write('theirs ')
      socket.pipe(socket)
    })
    backend.listen(0, '127.0.0.1')
    await once(backend, 'listening')
    entrances = new Entrances({ ...outside, proxy, ownCertificate: own, listen: listenWeb })
    await entrances.fix(443, { host: '127.0.0.1', port: 0 }, 'HTTPS')
    port = entrances.realPort(443)!
  })
  afterAll(async () => {
    await entrances[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    backend.close()
  })

  function serve(
    more: Partial<PortRoutes> = {},
    name = 'theirs.test',
    at = (backend.address() as AddressInfo).port,
  ): void {
    const endpoints = [1, at].map(port => ({ ip: '127.0.0.1', port }))
    const passthrough = new Map([
      [name, { route: 'TLSRoute default/r', backends: [{ weight: 1, backend: { name: 'b', endpoints } }] }],
    ])
    proxy.table = {
      ports: new Map([[443, { secure: true, hosts: new Map(), certificates: new Map(), passthrough, ...more }]]),
    }
  }

  /** Whose certificate a client sees, and what it hears. */
  async function talk(servername: string): Promise<string> {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ca })
    try {
      await once(socket, 'secureConnect')
      const { CN } = socket.getPeerCertificate().subject
      socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
      let heard = ''
      for await (const chunk of socket) {
        heard += chunk
        if (heard.startsWith('theirs') && heard.includes('close')) break
      }
      return `${CN}: ${heard.split('\r\n')[0]}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    } finally {
      socket.destroy()
    }
  }

  test('goes to the backend by the name that the client asks for; an endpoint that is away is passed over', async () => {
    serve()
    for (let i = 0; i < 3; i++) expect(await talk('theirs.test')).toBe('theirs.test: theirs GET / HTTP/1.1')
    expect(await talk('else.test')).not.toContain('theirs')
  })

  test('is ended here for other names of the same port', async () => {
    serve({ certificates: new Map([['ours.test', own]]), hosts: new Map([['ours.test', []]]) }, '*.test')
    expect(await talk('ours.test')).toBe('ours.test: HTTP/1.1 404 Not Found')
    expect(await talk('theirs.test')).toBe('theirs.test: theirs GET / HTTP/1.1')
  })

  test('ends at once if nobody is there', async () => {
    serve({}, 'theirs.test', 1)
    expect(await talk('theirs.test')).toBe('ECONNRESET')
  })
})
