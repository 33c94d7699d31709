import { type Answer, decode, encode, type Packet } from 'dns-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenUdpAndTcp, type UdpAndTcp } from '../base/udp-and-tcp.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { InformerSet } from '../client/index.ts'
import { Namespace, Service } from '../models/kinds/index.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'

const here = '127.0.0.1'
const clock = new VirtualClock()
const zone = 'cluster.local'
const web = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80 }] },
}
/** What the server needs of informers. */
const informers = {
  for: (kind: unknown) => ({
    get: ({ name }: { name: string }) =>
      kind === Service ? (name === 'web' ? web : undefined) : kind === Namespace && name === 'default' ? {} : undefined,
    addIndex: () => {},
    byIndex: () => [],
  }),
} as unknown as InformerSet

/** Answers of the resolver outside, by name. */
let outside: Record<string, Partial<Packet> | undefined>
let asked: string[]
/** What else the resolver, or somebody in its name, does with a question. */
let before: ((message: Buffer, from: { address: string; port: number }) => Promise<void>) | undefined
let upstream: UdpAndTcp
let server: DnsServer

function outsideAnswer(message: Buffer, byTcp: boolean): Buffer | undefined {
  const query = decode(message)
  const name = query.questions![0]!.name
  asked.push(`${byTcp ? 'tcp' : 'udp'} ${name}`)
  const answer = outside[name.toLowerCase()]
  if (!answer) return undefined
  const isCut = !byTcp && name.startsWith('long')
  return encode({
    type: 'response',
    id: query.id!,
    questions: query.questions!,
    ...(isCut ? { flags: 1 << 9 } : answer),
  } as Packet)
}

beforeEach(async () => {
  asked = []
  outside = {}
  before = undefined
  upstream = await listenUdpAndTcp(
    systemNet,
    { host: here, port: 0 },
    {
      async onMessage(message, from) {
        await before?.(message, from)
        const answer = outsideAnswer(message, false)
        if (answer) upstream.udp.send(answer, from)
      },
      onConnection: socket =>
        socket.on('data', chunk => {
          const answer = outsideAnswer((chunk as Buffer).subarray(2), true)!
          socket.end(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]))
        }),
    },
  )
  server = await startDnsServer({
    ...{ host: here, port: 0, zone, informers, upstreams: [`${here}#${upstream.udp.port}`] },
    ...{ net: systemNet, clock, random: systemRandom, log: silentLogger },
  })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await Promise.all([upstream.udp.close(), upstream.tcp.close()])
})

async function ask(name: string, type = 'A', more: Partial<Packet> = {}) {
  const query = encode({ type: 'query', id: 77, flags: 1 << 8, questions: [{ name, type: type as 'A' }], ...more })
  let heard: (message: Buffer) => void = () => {}
  const socket = await systemNet.bindUdp(here, 0, message => heard(message))
  const answer = new Promise<Buffer>(resolve => (heard = resolve))
  socket.send(query, { address: here, port: server.port })
  const packet = decode(await answer)
  await socket.close()
  const records = (list: Answer[] | undefined) => (list ?? []).map((r: any) => [r.type, r.ttl, r.data])
  expect(packet.id).toBe(77)
  return {
    rcode: (packet as any).rcode as string,
    question: packet.questions![0]!.name,
    answers: records(packet.answers),
    authorities: (packet.authorities ?? []).map((r: any) => [r.type, r.name, r.ttl, r.data.minimum]),
  }
}
const address = (name: string, ttl: number, data = '192.0.2.1'): Answer => ({ type: 'A', name, ttl, data })

describe('names of the cluster', () => {
  it('are answered, and what is not there says for how long that holds', async () => {
    const soa = [['SOA', zone, 5, 5]]
    const name = 'web.default.svc.cluster.local'
    expect(await ask(name)).toMatchObject({ rcode: 'NOERROR', answers: [['A', 5, '10.96.0.7']], authorities: [] })
    expect(await ask(name, 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: soa })
    expect(await ask(`no${name}`)).toMatchObject({ rcode: 'NXDOMAIN', answers: [], authorities: soa })
    expect((await ask(zone, 'SOA')).answers).toMatchObject([['SOA', 5, { mname: 'ns.dns.cluster.local' }]])
    expect(asked).toEqual([])
  })
})

describe('names of others', () => {
  it('are asked once for as long as the answer allows, at most 30 s, and told with what is left of that', async () => {
    outside['a.test'] = { answers: [address('a.test', 20)] }
    outside['b.test'] = { answers: [address('b.test', 3_600)] }
    expect((await ask('a.test')).answers).toEqual([['A', 20, '192.0.2.1']])
    await clock.advance(15_000)
    // Capitals come back as they were sent.
    expect(await ask('A.Test')).toMatchObject({ question: 'A.Test', answers: [['A', 5, '192.0.2.1']] })
    expect(asked).toEqual(['udp a.test'])
    await clock.advance(6_000)
    await ask('a.test')
    expect(asked).toEqual(['udp a.test', 'udp a.test'])
    await ask('b.test')
    await clock.advance(29_000)
    expect((await ask('b.test')).answers).toEqual([['A', 3_571, '192.0.2.1']])
    await clock.advance(2_000)
    await ask('b.test')
    expect(asked.slice(2)).toEqual(['udp b.test', 'udp b.test'])
  })

  it('that are not there are so for as long as their zone says; an error is not kept', async () => {
    const data = { mname: 'ns.test', rname: 'x.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 10 }
    outside['none.test'] = { flags: 3, authorities: [{ type: 'SOA', name: 'test', ttl: 60, data }] }
    outside['ill.test'] = { flags: 2 }
    for (const _ of [1, 2]) {
      expect((await ask('none.test')).rcode).toBe('NXDOMAIN')
      expect((await ask('ill.test')).rcode).toBe('SERVFAIL')
    }
    expect(asked).toEqual(['udp none.test', 'udp ill.test', 'udp ill.test'])
    await clock.advance(11_000)
    await ask('none.test')
    expect(asked).toHaveLength(4)
  })

  it('whose answer is too long for a datagram are asked by TCP', async () => {
    outside['long.test'] = { answers: [address('long.test', 60), address('long.test', 60, '192.0.2.2')] }
    expect((await ask('long.test')).answers).toHaveLength(2)
    expect(asked).toEqual(['udp long.test', 'tcp long.test'])
  })

  it('are believed of the resolver alone, by a number that nobody knows, and to the very question', async () => {
    outside['bank.test'] = { answers: [address('bank.test', 20)] }
    const ids = new Set<number>()
    before = async (message, from) => {
      const { id = 0, questions = [] } = decode(message)
      ids.add(id)
      const lie: Packet = { type: 'response', id, questions, answers: [address('bank.test', 20, '203.0.113.9')] }
      const other = await systemNet.bindUdp(here, 0, () => {})
      other.send(encode(lie), from)
      // Sent before the answer of the resolver, and on their way as long.
      await new Promise(setImmediate)
      await other.close()
      upstream.udp.send(encode({ ...lie, id: (id + 1) & 0xffff }), from)
      upstream.udp.send(encode({ ...lie, questions: [{ type: 'A', name: 'else.test' }] }), from)
      upstream.udp.send(encode({ ...lie, questions: [] }), from)
    }
    expect((await ask('bank.test')).answers).toEqual([['A', 20, '192.0.2.1']])
    for (const name of ['a.test', 'b.test', 'c.test']) {
      outside[name] = { answers: [] }
      await ask(name)
    }
    // Every question of ours has the number 77.
    expect(ids.size).toBeGreaterThan(2)
  })

  it('that many ask at the same time are asked once', async () => {
    outside['busy.test'] = { answers: [address('busy.test', 60)] }
    const all = await Promise.all(Array.from({ length: 10 }, () => ask('busy.test')))
    expect(all.map(({ answers }) => answers.length)).toEqual(Array(10).fill(1))
    expect(asked).toEqual(['udp busy.test'])
  })
})
