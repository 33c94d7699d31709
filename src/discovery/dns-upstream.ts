import type { Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { canonicalIP } from '../base/ip.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { Random } from '../base/random.ts'
import { framed, questionEnd, readKeptAnswer } from './dns-wire.ts'

export interface DnsUpstreamOptions {
  /** `192.0.2.53` or `192.0.2.53#5353`, in the order in which they are asked. */
  servers: readonly string[]
  net: Net
  clock: Clock
  /** Numbers of questions come from here: nobody may guess them. */
  random: Random
  log: Logger
}

interface Server {
  host: string
  port: number
}

interface Kept {
  answer: Buffer
  ttlsAt: readonly number[]
  sinceMs: number
  untilMs: number
}

const timeoutMs = 2_000
/** As CoreDNS has it in clusters: names of others are asked anew at least so often, those that are not there too. */
const longestMs = 30_000
/** Of some 200 bytes each. */
const mostKept = 10_000

/** Asks other resolvers for names that are not the cluster's, and keeps their answers for as long as those allow, at most 30 s. */
export class DnsUpstream {
  readonly #options: DnsUpstreamOptions
  /** By question, the one that was asked longest ago first. */
  readonly #kept = new Map<string, Kept>()
  /** What is being asked now is asked once. */
  readonly #asking = new Map<string, Promise<Buffer | undefined>>()

  constructor(options: DnsUpstreamOptions) {
    this.#options = options
  }

  /** @returns the answer to this very query, whole; undefined: nobody answers */
  async ask(query: Buffer): Promise<Buffer | undefined> {
    const key = keyOf(query)
    const kept = this.#lookUp(key)
    if (kept) return answerTo(query, aged(kept, this.#options.clock.monotonicMs()))
    let asking = this.#asking.get(key)
    if (!asking) {
      asking = this.#askServers(query, key).finally(() => this.#asking.delete(key))
      this.#asking.set(key, asking)
    }
    const answer = await asking
    return answer && answerTo(query, Buffer.from(answer))
  }

  #lookUp(key: string): Kept | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    if (kept.untilMs > this.#options.clock.monotonicMs()) return kept
    this.#kept.delete(key)
    return undefined
  }

  async #askServers(query: Buffer, key: string): Promise<Buffer | undefined> {
    const { servers, log } = this.#options
    for (const server of servers) {
      try {
        const answer = await this.#askOne(server, query)
        this.#keep(key, answer)
        return answer
      } catch (error) {
        log.debug({ upstream: server, error: explain(error) }, 'upstream resolver did not answer')
      }
    }
    return undefined
  }

  /** By UDP, and by TCP if that is not enough. */
  async #askOne(server: string, query: Buffer): Promise<Buffer> {
    const [host, port] = server.split('#') as [string, string | undefined]
    const at = { host, port: Number(port ?? 53) }
    // The client's number is known to the client, and what is kept here is told to others.
    const asked = Buffer.from(query)
    asked.set(this.#options.random.bytes(2))
    const answer = await this.#askByUdp(at, asked)
    return answer[2]! & 0x02 ? this.#askByTcp(at, asked).catch(() => answer) : answer
  }

  async #askByUdp({ host, port }: Server, query: Buffer): Promise<Buffer> {
    const { net, clock } = this.#options
    let heard: (message: Buffer) => void = () => {}
    const socket = await net.bindUdp(host.includes(':') ? '::' : '0.0.0.0', 0, (message, from) => {
      if (isFrom({ host, port }, from) && isAnswerTo(query, message)) heard(message)
    })
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const cancel = clock.schedule(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
        heard = message => {
          cancel()
          resolve(message)
        }
        socket.send(query, { address: host, port })
      })
    } finally {
      await socket.close()
    }
  }

  async #askByTcp({ host, port }: Server, query: Buffer): Promise<Buffer> {
    const { net, clock } = this.#options
    const socket = await net.connect(host, port, { timeoutMs })
    const cancel = clock.schedule(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    try {
      socket.write(framed(query))
      let got = Buffer.alloc(0)
      for await (const chunk of socket) {
        got = Buffer.concat([got, chunk as Buffer])
        if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) continue
        const message = got.subarray(2, 2 + got.readUInt16BE(0))
        if (isAnswerTo(query, message)) return message
        throw new Error('what came is no answer to the question')
      }
      throw new Error('the connection ended before the answer')
    } finally {
      cancel()
      socket.destroy()
    }
  }

  #keep(key: string, answer: Buffer): void {
    const { seconds, ttlsAt } = readKeptAnswer(answer)
    if (!seconds) return
    const sinceMs = this.#options.clock.monotonicMs()
    this.#kept.set(key, { answer, ttlsAt, sinceMs, untilMs: sinceMs + Math.min(seconds * 1_000, longestMs) })
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!)
  }
}

/** What is asked, whoever asks: the question, and what of the rest an answer depends on. */
function keyOf(query: Buffer): string {
  const end = questionEnd(query)
  const flags = query.readUInt16BE(2) & 0x0110
  // Somebody who knows extensions may be told more: signatures, where he asks for them.
  const extensions = query.readUInt16BE(10) ? query.subarray(end).toString('latin1') : ''
  return `${flags} ${query.subarray(12, end).toString('latin1').toLowerCase()} ${extensions}`
}

/** Without the part that names an interface. */
const plain = (ip: string) => canonicalIP(ip.split('%')[0]!)

const isFrom = ({ host, port }: Server, from: { address: string; port: number }) =>
  from.port === port && plain(from.address) === plain(host)

/** Its number, and its question, which servers may leave out of an error alone. */
function isAnswerTo(query: Buffer, message: Buffer): boolean {
  if (message.length < 12 || !(message[2]! & 0x80) || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  if (message.readUInt16BE(4) === 0) return (message[3]! & 0x0f) !== 0
  const end = questionEnd(query)
  return sameName(message.subarray(12, end), query.subarray(12, end))
}

/** Capitals may have been changed on the way. */
const sameName = (a: Buffer, b: Buffer) => a.toString('latin1').toLowerCase() === b.toString('latin1').toLowerCase()

/** With the number and the question as this client wrote them: some check that capitals come back. */
function answerTo(query: Buffer, answer: Buffer): Buffer {
  query.copy(answer, 0, 0, 2)
  const end = questionEnd(query)
  if (answer.readUInt16BE(4) === 1 && questionEnd(answer) === end) query.copy(answer, 12, 12, end)
  return answer
}

function aged({ answer, ttlsAt, sinceMs }: Kept, nowMs: number): Buffer {
  const copy = Buffer.from(answer)
  const seconds = Math.floor((nowMs - sinceMs) / 1_000)
  for (const at of ttlsAt) copy.writeUInt32BE(Math.max(copy.readUInt32BE(at) - seconds, 0), at)
  return copy
}
