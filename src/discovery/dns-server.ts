import type { Duplex } from 'node:stream'
import { type Answer, type DecodedPacket, decode, encode, type Packet } from 'dns-packet'
import type { Clock } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import { canonicalIP, isIP } from '../base/ip.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { Random } from '../base/random.ts'
import { listenUdpAndTcp } from '../base/udp-and-tcp.ts'
import type { InformerSet } from '../client/index.ts'
import { EndpointSlice, Namespace, Service } from '../models/kinds/index.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { serveDnsConnection } from './dns-connection.ts'
import { DnsUpstream } from './dns-upstream.ts'
import { answerFromZone, negativeTtl, type ZoneSource } from './dns-zone.ts'

export interface DnsServerOptions {
  /** Address of the cluster's DNS on this node. */
  host: string
  /** 53 unless said otherwise. */
  port?: number
  /** `cluster.local` */
  zone: string
  informers: InformerSet
  /** Where other names are asked, in order: the node's own resolvers. */
  upstreams: string[]
  net: Net
  clock: Clock
  random: Random
  log: Logger
}

export interface DnsServer extends AsyncDisposable {
  port: number
}

/** The DNS port could not be opened. */
export class DnsUnavailable extends OptiFlowError {}

const authoritative = 1 << 10
const recursionAvailable = 1 << 7
const truncated = 1 << 9
const rcode = { ok: 0, formatError: 1, serverFailure: 2, nxdomain: 3, notImplemented: 4 }

/** Answers the cluster's names from the local informers and asks upstream for all others; UDP and TCP. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { net, log } = options
  const source = zoneSource(options.informers)
  const zone = options.zone.toLowerCase()
  const upstream = new DnsUpstream({ ...options, servers: options.upstreams })

  async function answer(query: DecodedPacket, raw: Buffer): Promise<Buffer> {
    const question = query.questions?.[0]
    const opcode = (query as { opcode?: string }).opcode
    if (!question || (opcode && opcode !== 'QUERY'))
      return reply(query, [], opcode === 'QUERY' ? rcode.formatError : rcode.notImplemented)
    const name = question.name.toLowerCase().replace(/\.$/, '')
    if (name === zone && question.type === 'SOA') return reply(query, [zoneStart()], rcode.ok)
    const found = answerFromZone(source, zone, name, question.type)
    if (found.kind === 'elsewhere') return (await upstream.ask(raw)) ?? reply(query, [], rcode.serverFailure)
    // What is not there is so for a while only, and by this record clients know for how long.
    const told = name === zone || name.endsWith(`.${zone}`) ? [zoneStart()] : []
    if (found.kind === 'nxdomain') return reply(query, [], rcode.nxdomain, told)
    if (!found.records.length) return reply(query, [], rcode.ok, told)
    const records = found.records.map(r => ({
      ...r,
      name: r.name === question.name.toLowerCase() ? question.name : r.name,
    }))
    const [first] = found.records
    if (first?.type === 'CNAME' && question.type !== 'CNAME')
      return reply(query, [...records, ...(await resolveTarget(first.data, question.type))], rcode.ok)
    return reply(query, records, rcode.ok)
  }

  /** An ExternalName's addresses, so that simple resolvers need not ask again. */
  async function resolveTarget(target: string, type: string): Promise<Answer[]> {
    const inside = answerFromZone(source, zone, target.toLowerCase(), type)
    if (inside.kind !== 'elsewhere') return inside.kind === 'records' ? (inside.records as Answer[]) : []
    const query = encode({ type: 'query', id: 1, flags: 1 << 8, questions: [{ type: type as 'A', name: target }] })
    const raw = await upstream.ask(query)
    return raw ? (decode(raw).answers ?? []) : []
  }

  function zoneStart(): Answer {
    return {
      ...{ type: 'SOA', name: zone, ttl: negativeTtl },
      data: {
        ...{ mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}`, serial: Math.floor(options.clock.now() / 1_000) },
        ...{ refresh: 7_200, retry: 1_800, expire: 86_400, minimum: negativeTtl },
      },
    } as Answer
  }

  function reply(query: DecodedPacket, answers: object[], code: number, authorities: Answer[] = []): Buffer {
    const edns = query.additionals?.some(a => a.type === 'OPT')
    return encode({
      type: 'response',
      id: query.id ?? 0,
      flags: authoritative | recursionAvailable | ((query.flags ?? 0) & (1 << 8)) | code,
      questions: query.questions ?? [],
      answers: answers as Answer[],
      authorities,
      additionals: edns
        ? [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: 1232,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            } as any,
          ]
        : [],
    } as Packet)
  }

  async function onUdp(message: Buffer, from: { address: string; port: number }): Promise<void> {
    const query = parse(message)
    if (!query) return
    const limit = query.additionals?.flatMap(a => (a.type === 'OPT' ? [a.udpPayloadSize] : []))[0] ?? 512
    const full = await answer(query, message)
    udp.send(full.length <= Math.max(limit, 512) ? full : cut(query, full), from)
  }

  /** Too long for a datagram: an empty answer with TC, so that the client comes again by TCP. */
  function cut(query: DecodedPacket, full: Buffer): Buffer {
    const flags = full.readUInt16BE(2) | truncated
    return encode({
      type: 'response',
      id: query.id ?? 0,
      flags: flags & 0x7fff,
      questions: query.questions ?? [],
    } as Packet)
  }

  const failed = (error: unknown) => log.warn({ error: explain(error) }, 'a DNS query was not answered')
  const port = options.port ?? 53
  const onMessage = (message: Buffer, from: { address: string; port: number }) =>
    void onUdp(message, from).catch(failed)

  const onConnection = (socket: Duplex) =>
    void serveDnsConnection(socket, options.clock, async message => {
      const query = parse(message)
      return query && answer(query, message)
    }).catch(failed)

  const { udp, tcp } = await listenUdpAndTcp(net, { host: options.host, port }, { onMessage, onConnection }).catch(
    cause => {
      throw new DnsUnavailable(`cannot serve DNS on ${options.host}:${port}`, {
        cause,
        hint: 'Another resolver may hold the address: see "ss -lnup".',
      })
    },
  )

  return {
    port: udp.port,
    async [Symbol.asyncDispose]() {
      await Promise.all([udp.close(), tcp.close()])
    },
  }
}

function parse(message: Buffer): DecodedPacket | undefined {
  try {
    const packet = decode(message)
    return packet.type === 'query' ? packet : undefined
  } catch {
    // Not DNS: nobody to answer.
    return undefined
  }
}

function zoneSource(informers: InformerSet): ZoneSource {
  const services = informers.for(Service)
  const slices = informers.for(EndpointSlice)
  const namespaces = informers.for(Namespace)
  const ofService = 'dns-service'
  const byIp = 'dns-cluster-ip'
  slices.addIndex(ofService, s => [`${s.metadata.namespace}/${s.metadata.labels?.[serviceNameLabel] ?? ''}`])
  services.addIndex(byIp, s => (s.spec.clusterIPs ?? []).filter(isIP).map(canonicalIP))
  return {
    service: (namespace, name) => services.get({ namespace, name }),
    slices: (namespace, service) => slices.byIndex(ofService, `${namespace}/${service}`),
    namespaceExists: name => namespaces.get({ name }) !== undefined,
    serviceByIp: ip => services.byIndex(byIp, ip)[0],
  }
}

/** The `nameserver` lines of a resolv.conf, without those that would ask ourselves. */
export function upstreamsFrom(resolvConf: string, own: string): string[] {
  return resolvConf
    .split('\n')
    .flatMap(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter(ip => ip !== own)
}
