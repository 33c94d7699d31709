import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from './certificates.ts'
import { systemClock } from './clock.ts'
import { Http2Client } from './http2-client.ts'
import { VirtualClock } from './virtual-clock.ts'
import { listenWeb, type WebServer } from './web-server.ts'

describe('a plain web server', () => {
  let server: WebServer
  beforeAll(async () => {
    server = await listenWeb({
      host: '127.0.0.1',
      port: 0,
      onRequest: async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk)
        response.writeHead(200, { version: request.httpVersion })
        response.write(Buffer.concat(chunks))
        if (request.httpVersionMajor === 2) response.addTrailers({ 'how-it-ended': 'well' })
        response.end()
      },
      onUpgrade: (_request, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    })
  })
  afterAll(() => server.close(0))

  test('speaks HTTP/1.1, also when the head comes in pieces, and on a kept connection', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let i = 0; i < 3; i++) {
      const request = http.request({ port: server.port, host: '127.0.0.1', method: 'POST', agent })
      request.end(`body ${i}`)
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      expect(response.headers['version']).toBe('1.1')
      expect(String(Buffer.concat(await response.toArray()))).toBe(`body ${i}`)
    }
    agent.destroy()
    const socket = connect(server.port, '127.0.0.1')
    for (const piece of ['G', 'ET / HT', 'TP/1.1\r\nhost: a\r\nconnection: close\r\n', '\r\n']) {
      socket.write(piece)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(String(Buffer.concat(await socket.toArray()))).toContain('HTTP/1.1 200 OK')
  })

  test('a first byte that both versions begin with decides nothing', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.setNoDelay(true)
    await once(socket, 'connect')
    socket.write('P')
    await new Promise(resolve => setTimeout(resolve, 20))
    socket.write('OST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    expect(String(Buffer.concat(await socket.toArray()))).toContain('HTTP/1.1 200 OK')
  })

  test('who says nothing is let go, and one connection has a limit of requests at a time', async () => {
    const clock = new VirtualClock()
    const onRequest = () => {}
    const patient = await listenWeb({ host: '127.0.0.1', port: 0, clock, onRequest, onUpgrade: () => {} })
    const silent = connect(patient.port, '127.0.0.1')
    const session = http2.connect(`http://127.0.0.1:${patient.port}`)
    const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings]
    expect(settings.maxConcurrentStreams).toBe(100)
    await clock.advance(59_000)
    expect(silent.destroyed).toBe(false)
    const gone = once(silent, 'close')
    await clock.advance(2_000)
    await gone
    expect(session.closed).toBe(false)
    session.destroy()
    const closed = patient.close(0)
    await clock.advance(1)
    await closed
  })

  test('speaks HTTP/2 with those who begin with it, trailers included', async () => {
    const client = new Http2Client()
    const ask = async (text: string) => {
      const answer = await client.ask(`http://127.0.0.1:${server.port}`, {
        method: 'POST',
        path: '/',
        authority: 'a.test',
        headers: {},
        body: Readable.from([Buffer.from(text)]),
      })
      const body = String(Buffer.concat(await answer.body.toArray()))
      return { version: answer.headers['version'], body, trailers: answer.trailers() }
    }
    const answers = await Promise.all(['one', 'two', 'three'].map(ask))
    expect(answers.map(a => a.body)).toEqual(['one', 'two', 'three'])
    expect(answers[0]).toEqual({ version: '2.0', body: 'one', trailers: { 'how-it-ended': 'well' } })
    client.close()
  })

  test('a server that is not there is told as such', async () => {
    const client = new Http2Client()
    const question = { method: 'GET', path: '/', authority: 'a.test', headers: {} }
    await expect(client.ask('http://127.0.0.1:1', question)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    client.close()
  })

  test('closes though an HTTP/2 client stays', async () => {
    const other = await listenWeb({ host: '127.0.0.1', port: 0, onRequest: () => {}, onUpgrade: () => {} })
    const session = http2.connect(`http://127.0.0.1:${other.port}`)
    session.on('error', () => {})
    session.request({ ':path': '/' }).on('error', () => {})
    await once(session, 'remoteSettings')
    await expect(other.close(20)).resolves.toBeUndefined()
  })
})

test('a secure server that is given another certificate shows it to newcomers, and drops nobody', async () => {
  const authority = await createAuthority('test', systemClock)
  const names = { ips: ['127.0.0.1'], usages: ['server' as const] }
  const [old, next] = await Promise.all(
    ['old', 'next'].map(commonName => issueCertificate(authority, { ...names, commonName }, systemClock)),
  )
  const server = await listenWeb({
    ...{ host: '127.0.0.1', port: 0, tls: { ...old!, authorities: [authority.cert] } },
    onRequest: (_request, response) => void response.end('well'),
    onUpgrade: () => {},
  })
  const standing = new https.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (agent: https.Agent | false) => {
    const request = https.get({ host: '127.0.0.1', port: server.port, ca: authority.cert, agent })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const { subject } = (response.socket as TLSSocket).getPeerCertificate()
    return `${request.reusedSocket ? 'again ' : ''}${subject.CN}: ${Buffer.concat(await response.toArray())}`
  }
  expect(await ask(standing)).toBe('old: well')
  server.useCertificate(next!)
  expect(await ask(standing)).toBe('again old: well')
  expect(await ask(false)).toBe('next: well')
  standing.destroy()
  await server.close(0)
})
