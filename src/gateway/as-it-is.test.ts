import { createSocket, type Socket as UdpServer } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb } from '../base/web-server.ts'
import { EmbeddedPlane } from './embedded.ts'
import { placeOfPort } from './port-space.ts'
import type { Endpoint, PortRoutes } from './routing-table.ts'

const local = '127.0.0.1'
const web: PortRoutes = { secure: false, hosts: new Map(), certificates: new Map() }
const leading = (...endpoints: Endpoint[]): PortRoutes => ({
  ...web,
  asItIs: { to: { route: 'a route', backends: [{ weight: 1, backend: { name: 'b', endpoints } }] } },
})

/** A port of loopback that nobody has. */
async function freePort(): Promise<number> {
  const listener = await systemNet.listenTcp(local, 0, () => {})
  await listener.close()
  return listener.port
}

describe('what is led on as it is', () => {
  const plane = new EmbeddedPlane({
    ...{ clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger },
    ...{ listen: listenWeb, ownCertificate: { cert: '', key: '' } },
  })
  let port: number
  let echo: Server
  const serve = (place: number, routes: PortRoutes) => plane.serve({ ports: new Map([[place, routes]]) }, new Map())

  beforeAll(async () => {
    await plane.open({ plain: { host: local, port: await freePort() }, held: false })
    port = await freePort()
    // Answers only when the client has said all: what is half closed must stay open the other way.
    echo = createServer({ allowHalfOpen: true }, socket => {
      const heard: Buffer[] = []
      socket.on('error', () => {})
      socket.on('data', chunk => heard.push(chunk))
      socket.on('end', () => socket.end(`heard ${Buffer.concat(heard)}`))
    })
    echo.listen(0, local)
    await once(echo, 'listening')
  })
  afterEach(() => plane.serve({ ports: new Map() }, new Map()))
  afterAll(async () => {
    await plane[Symbol.asyncDispose]()
    echo.close()
  })

  async function say(text: string): Promise<string> {
    const socket = connect({ host: local, port, allowHalfOpen: true })
    try {
      socket.end(text)
      return Buffer.concat(await socket.toArray()).toString()
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    } finally {
      socket.destroy()
    }
  }
  const echoing = () => ({ ip: local, port: (echo.address() as AddressInfo).port })

  test('a connection goes to an endpoint that is there, and is heard to its end', async () => {
    await serve(port, leading({ ip: local, port: 1 }, echoing()))
    for (const text of ['one', 'two', 'x'.repeat(300_000)]) expect(await say(text)).toBe(`heard ${text}`)
  })

  test('where nobody is, a connection ends at once; a port without a route is had', async () => {
    await serve(port, leading({ ip: local, port: 1 }))
    expect(['', 'ECONNRESET']).toContain(await say('hello'))
    await serve(port, { ...web, asItIs: {} })
    expect(['', 'ECONNRESET']).toContain(await say('hello'))
    expect(plane.realPort(port)).toBe(port)
  })

  test('a port becomes one of HTTP when its listener does, and back', async () => {
    await serve(port, leading(echoing()))
    expect(await say('GET / HTTP/1.0\r\n\r\n')).toMatch(/^heard GET/)
    await serve(port, web)
    expect(await say('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 404/)
    await serve(port, leading(echoing()))
    expect(await say('again')).toBe('heard again')
  })

  describe('packets', () => {
    const servers: UdpServer[] = []
    const clients: UdpServer[] = []
    afterEach(() => {
      for (const socket of [...servers, ...clients].splice(0)) socket.close()
      servers.length = clients.length = 0
    })

    async function udpEcho(name: string): Promise<Endpoint> {
      const server = createSocket('udp4', (message, from) => server.send(`${name} ${message}`, from.port, from.address))
      servers.push(server)
      server.bind(0, local)
      await once(server, 'listening')
      return { ip: local, port: server.address().port }
    }
    async function client(): Promise<(text: string) => Promise<string>> {
      const socket = createSocket('udp4')
      clients.push(socket)
      socket.bind(0, local)
      await once(socket, 'listening')
      return async text => {
        const heard = once(socket, 'message')
        socket.send(text, port, local)
        return String((await heard)[0])
      }
    }
    const udp = () => placeOfPort(port, 'UDP')

    test('of one client keep to one endpoint, those of another go to the next; the number is free for TCP', async () => {
      const [a, b] = [await udpEcho('a'), await udpEcho('b')]
      const ports = new Map([
        [udp(), leading(a, b)],
        [port, leading(echoing())],
      ])
      await plane.serve({ ports }, new Map())
      const [one, two] = [await client(), await client()]
      const first = (await one('1')).split(' ')[0]
      expect(await one('2')).toBe(`${first} 2`)
      expect(await two('3')).toBe(`${first === 'a' ? 'b' : 'a'} 3`)
      expect(await one('4')).toBe(`${first} 4`)
      expect(await say('by TCP')).toBe('heard by TCP')
    })

    test('go elsewhere when their endpoint is gone, and stay where it is only the table that is new', async () => {
      const [a, b] = [await udpEcho('a'), await udpEcho('b')]
      await serve(udp(), leading(a))
      const say = await client()
      expect(await say('1')).toBe('a 1')
      await serve(udp(), leading(b, { ...a }))
      expect(await say('2')).toBe('a 2')
      await serve(udp(), leading(b))
      expect(await say('3')).toBe('b 3')
    })

    test('a port that another program has is missing, of UDP alone', async () => {
      const other = createSocket('udp4')
      servers.push(other)
      other.bind(port, local)
      await once(other, 'listening')
      await serve(udp(), leading(await udpEcho('a')))
      expect([...plane.missing]).toEqual([[udp(), 'EADDRINUSE']])
    })
  })
})
