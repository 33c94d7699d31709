import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { WebSocketServer } from 'ws'
import { explain } from '../../base/errors.ts'
import { farewell } from '../../base/farewell.ts'
import { maxHeadBytes } from '../../base/http-limits.ts'
import { limitedBytes } from '../../base/limited-bytes.ts'
import type { Logger } from '../../base/logger.ts'
import {
  listenWeb,
  type TlsProtocol,
  type WebLimits,
  type WebRequest,
  type WebResponse,
  type WebServer,
} from '../../base/web-server.ts'
import type { Access, AccessQuestion } from './access.ts'
import { type Answer, type Asked, answerTo } from './answers.ts'
import { execProtocols } from './channels.ts'
import { type ClosedPaths, closedProblem } from './closed-paths.ts'
import { CpuRates } from './cpu-rates.ts'
import { imagePath } from './image-answers.ts'
import { LocalStorage } from './local-storage.ts'
import { type PlainPort, plainProblem } from './plain-ports.ts'
import { Refused } from './pod-access.ts'
import { portProtocols } from './port-channels.ts'
import type { ServedNode } from './served-node.ts'
import { spdyTunnelProtocol } from './spdy-streams.ts'
import { prepareStream } from './streams.ts'
import { VolumeUses } from './volume-uses.ts'

/** Answers on kubelet's paths for one node, or for many of one process. */
export interface AgentServer extends AsyncDisposable {
  /** Undefined until it listens. */
  readonly port: number | undefined
  /** As it was opened. */
  readonly doors: Pick<AgentServerOptions, 'host' | 'closed' | 'plain'>
  /** Shows this certificate (PEM) to who connects from now on. */
  useCertificate(tls: { cert: string; key: string; clientCa: string }): void
  add(node: ServedNode): void
  remove(node: ServedNode): void
}

export interface AgentServerOptions {
  host: string
  /** 10250 by custom; 0: any free one. */
  port: number
  /** PEM. */
  tls: { cert: string; key: string; clientCa: string }
  access: Access
  log: Logger
  /** What clients may speak; TLS 1.2 and the usual suites unless given. */
  protocol?: TlsProtocol
  closed?: ClosedPaths
  /** Where anybody is answered without TLS; nowhere unless given. */
  plain?: readonly PlainPort[]
}

/** What a method asks for; others only read. */
const verbs = new Map<string, AccessQuestion['verb']>([
  ['DELETE', 'delete'],
  ['POST', 'create'],
])

/** Followers of logs and idle connections stay as long as they like; a request's own bytes must come within a minute. */
const limits: WebLimits = { headBytes: maxHeadBytes, requestMs: 60_000, keepAliveMs: 72_000, backlog: 511 }
const bodyBytes = 1 << 20

/** Listens with TLS. Every request must carry a client certificate of `clientCa` or a token, and be allowed. */
export async function openAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const server = new Server(options)
  await server.listen()
  return server
}

class Server implements AgentServer {
  readonly #options: AgentServerOptions
  #web: WebServer | undefined
  readonly #plain: WebServer[] = []
  /** What is remembered of each between two questions. */
  readonly #nodes = new Map<ServedNode, Asked['remembered']>()
  readonly #sockets = new WebSocketServer({
    noServer: true,
    // As much as kubelet takes in one message.
    maxPayload: 32 << 20,
    handleProtocols: offered =>
      [...execProtocols, spdyTunnelProtocol, ...portProtocols].find(p => offered.has(p)) ?? false,
  })

  constructor(options: AgentServerOptions) {
    this.#options = options
  }

  get port(): number | undefined {
    return this.#web?.port
  }

  get doors() {
    return this.#options
  }

  async listen() {
    const { host, port, tls, protocol = {} } = this.#options
    this.#web = await listenWeb({
      ...{ host, port, limits, tls: { cert: tls.cert, key: tls.key, authorities: [tls.clientCa], protocol } },
      onRequest: (request, response) => {
        void this.#answer(request, response, (method, pathname) =>
          this.#refusal(request, pathname, verbs.get(method) ?? 'get'),
        )
      },
      onUpgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
    })
    for (const door of this.#options.plain ?? []) this.#plain.push(await this.#listenPlainly(door))
  }

  #listenPlainly({ host, port, answers }: PlainPort): Promise<WebServer> {
    return listenWeb({
      ...{ host, port, limits },
      onRequest: (request, response) => {
        void this.#answer(request, response, async (method, pathname) => plainProblem(answers, method, pathname))
      },
      onUpgrade: (_, socket) => socket.destroy(),
    })
  }

  useCertificate({ cert, key, clientCa }: AgentServerOptions['tls']) {
    this.#web?.useCertificate({ cert, key, authorities: [clientCa] })
  }

  add(node: ServedNode) {
    this.#nodes.set(node, { rates: new CpuRates(), volumes: new VolumeUses(node), storage: new LocalStorage(node) })
  }

  remove(node: ServedNode) {
    this.#nodes.delete(node)
  }

  async [Symbol.asyncDispose]() {
    this.#sockets.close()
    await Promise.all([this.#web, ...this.#plain].map(web => web?.close(0)))
  }

  /** The node asked about: by the Host header where several share this server. */
  #node({ headers }: WebRequest): ServedNode {
    const host = String(headers.host ?? headers[':authority'] ?? '').replace(/:\d+$/, '')
    let only: ServedNode | undefined
    for (const node of this.#nodes.keys()) {
      if (node.nodeName === host) return node
      only ??= node
    }
    if (only) return only
    throw new Refused(503, 'no node is served here at the moment')
  }

  async #answer(
    request: WebRequest,
    response: WebResponse,
    refusal: (method: string, pathname: string) => Promise<Refused | undefined>,
  ): Promise<void> {
    try {
      const method = request.method ?? 'GET'
      const { pathname, searchParams: query } = urlOf(request)
      const problem = await refusal(method, pathname)
      if (problem) throw problem
      const asked = (): Asked => {
        const node = this.#node(request)
        const { signal, body } = { signal: goneOf(response), body: () => jsonOf(request) }
        return { query, node, remembered: this.#nodes.get(node)!, nodes: this.#nodes.keys(), signal, body }
      }
      const { clock, metrics } = this.#node(request)
      const beganMs = metrics && clock.monotonicMs()
      try {
        await send(response, method, await answerTo(method, pathname, asked))
      } finally {
        if (beganMs !== undefined) metrics?.served(method, pathname, clock.monotonicMs() - beganMs)
      }
    } catch (error) {
      if (response.headersSent) response.destroy()
      else response.writeHead(statusOf(error), { 'content-type': 'text/plain' }).end(`${explain(error)}\n`)
    }
  }

  async #upgrade(request: WebRequest, socket: Duplex, head: Buffer) {
    socket.on('error', () => {})
    try {
      const url = urlOf(request)
      const problem = await this.#refusal(request, url.pathname, 'create')
      if (problem) throw problem
      const run = prepareStream(this.#nodes.keys(), url)
      const upgrade = (request.headers['upgrade'] ?? '').toLowerCase()
      if (upgrade === 'websocket') this.#sockets.handleUpgrade(request, socket, head, ws => run.webSocket(ws))
      else if (upgrade === 'spdy/3.1') {
        const offered = String(request.headers['x-stream-protocol-version'] ?? '').split(/\s*,\s*/)
        const protocol = run.spdyProtocols.find(p => offered.includes(p))
        if (!protocol)
          throw new Refused(403, `none of the offered protocols is known; ours: ${run.spdyProtocols.join()}`)
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
        )
        if (head.length) socket.unshift(head)
        run.spdy(socket, protocol)
      } else throw new Refused(400, 'this server speaks WebSocket and SPDY/3.1')
    } catch (error) {
      const status = statusOf(error)
      const body = `${explain(error)}\n`
      farewell(
        socket,
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    }
  }

  /**
   * Undefined: he may.
   * @param path the very one that is answered: as it was sent, `/metrics/../exec/…` would be about metrics
   */
  async #refusal(request: WebRequest, path: string, verb: AccessQuestion['verb']): Promise<Refused | undefined> {
    const { access, log } = this.#options
    try {
      const user = await access.identify(certificateOf(request.socket), request.headers['authorization'])
      if (!user) return new Refused(401, 'Unauthorized')
      const { nodeName } = this.#node(request)
      // Nodes give each other their images, and nothing else.
      if (path.startsWith(imagePath) && user.groups.includes('system:nodes')) return undefined
      const subresource = subresources.get(path.split('/')[1]!) ?? 'proxy'
      if (await access.allows(user, { verb, subresource, nodeName })) return closedProblem(path, this.#options.closed)
      const who = `user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource}`
      return new Refused(403, `Forbidden (${who})`)
    } catch (error) {
      if (error instanceof Refused) return error
      log.warn({ error: explain(error) }, 'access not decided')
      return new Refused(503, `it could not be decided who you are or what you may do: ${explain(error)}`)
    }
  }
}

/** By the first step of a path: what of a node it is about. Everything else is `proxy`. */
const subresources = new Map<string, AccessQuestion['subresource']>([
  ['stats', 'stats'],
  ['metrics', 'metrics'],
  ['logs', 'log'],
  ['checkpoint', 'checkpoint'],
])

interface TlsSocket {
  authorized?: boolean
  getPeerCertificate?(): { subject?: { CN?: string | string[]; O?: string | string[] } }
}

/** Of a client certificate that TLS has verified. */
function certificateOf(socket: unknown): { commonName: string; organizations: string[] } | undefined {
  const tls = socket as TlsSocket
  if (!tls.authorized) return undefined
  const subject = tls.getPeerCertificate?.().subject
  const [commonName] = [subject?.CN ?? []].flat()
  return commonName ? { commonName, organizations: [subject?.O ?? []].flat() } : undefined
}

const statusOf = (error: unknown): number => (error instanceof Refused ? error.status : 500)

/** Without steps that lead back. @throws Refused */
function urlOf({ url = '/' }: WebRequest): URL {
  try {
    return new URL(url, 'https://node')
  } catch {
    throw new Refused(400, `${JSON.stringify(url)} is no address of anything here`)
  }
}

/** Headers go out at once: a follower of a silent container must not wait for its first line. */
async function send(response: WebResponse, method: string, { headers, body }: Answer): Promise<void> {
  response.writeHead(200, headers)
  if (method === 'HEAD') response.end()
  else if (typeof body === 'string' || !body) response.end(body)
  else {
    response.flushHeaders()
    await pipeline(Readable.from(body), response)
  }
}

async function jsonOf(request: WebRequest): Promise<unknown> {
  const tooMany = () => new Refused(413, `the body is longer than ${bodyBytes} bytes`)
  const body = await limitedBytes(request, bodyBytes, tooMany)
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw new Refused(400, `the body is no JSON: ${explain(error)}`)
  }
}

/** Aborts when the client is gone. */
function goneOf(response: WebResponse): AbortSignal {
  const abort = new AbortController()
  response.on('close', () => abort.abort(new DOMException('the client went away', 'AbortError')))
  return abort.signal
}
