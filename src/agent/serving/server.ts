import { type Duplex, Readable } from 'node:stream'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { WebSocket } from 'ws'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { Connections } from '../../base/connections.ts'
import { explain } from '../../base/errors.ts'
import { maxHeadBytes } from '../../base/http-limits.ts'
import type { Logger } from '../../base/logger.ts'
import { type AddressQuestion, addressQuestionPath } from '../../models/address-question.ts'
import { localVolumesPath } from '../../models/local-volume.ts'
import { nodeNetworkPath } from '../../models/node-network.ts'
import type { Streams } from '../../runtime/runtime.ts'
import type { Access, AccessQuestion } from './access.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import { channelStreams, execProtocols, type Outcome } from './channels.ts'
import { answerImages, imagePath } from './image-answers.ts'
import { CpuRates, resourceMetrics, summary } from './metrics.ts'
import { nodeMetrics } from './node-metrics.ts'
import {
  findPod,
  loggedContainer,
  logOptions,
  Refused,
  readsInputOnce,
  runningContainer,
  sandboxOf,
} from './pod-access.ts'
import { forwardPorts, portProtocols } from './port-channels.ts'
import { probeMetrics } from './probe-metrics.ts'
import { runningPods } from './running-pods.ts'
import type { ServedNode } from './served-node.ts'
import {
  execSpdyStreams,
  forwardSpdyPorts,
  spdyExecProtocols,
  spdyPortProtocols,
  spdyTunnelProtocol,
} from './spdy-streams.ts'
import { systemLog } from './system-logs.ts'
import { VolumeUses } from './volume-uses.ts'

/** Answers on kubelet's paths for one node, or for many of one process. */
export interface AgentServer extends AsyncDisposable {
  /** Undefined until it listens. */
  readonly port: number | undefined
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
}

/** What a method asks for; others only read. */
const verbs = new Map<string, AccessQuestion['verb']>([
  ['DELETE', 'delete'],
  ['POST', 'create'],
])

type Params = { namespace: string; pod: string; container: string }

/** Listens with TLS. Every request must carry a client certificate of `clientCa` or a token, and be allowed. */
export async function openAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const server = new Server(options)
  await server.listen()
  return server
}

class Server implements AgentServer {
  port: number | undefined
  readonly #options: AgentServerOptions
  readonly #app: FastifyInstance
  /** What is remembered of each between two questions. */
  readonly #nodes = new Map<ServedNode, { rates: CpuRates; volumes: VolumeUses }>()
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: offered =>
      [...execProtocols, spdyTunnelProtocol, ...portProtocols].find(p => offered.has(p)) ?? false,
  })

  readonly #connections: Connections

  constructor(options: AgentServerOptions) {
    this.#options = options
    const { cert, key, clientCa } = options.tls
    this.#app = fastify({
      https: { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      forceCloseConnections: true,
    } as any) as unknown as FastifyInstance
    Object.assign(this.#app.server, { maxHeaderSize: maxHeadBytes })
    this.#connections = new Connections(this.#app.server)
    this.#routes()
    this.#app.server.on('upgrade', (request, socket, head) => void this.#upgrade(request as never, socket, head))
  }

  async listen() {
    const { host, port } = this.#options
    await this.#app.listen({ host, port })
    const address = this.#app.server.address()
    this.port = typeof address === 'object' && address ? address.port : port
  }

  add(node: ServedNode) {
    this.#nodes.set(node, { rates: new CpuRates(), volumes: new VolumeUses(node) })
  }

  remove(node: ServedNode) {
    this.#nodes.delete(node)
  }

  async [Symbol.asyncDispose]() {
    const closed = this.#app.close()
    this.#sockets.close()
    this.#connections.cut()
    await closed
  }

  #routes() {
    const app = this.#app
    app.setErrorHandler((error: Error, _request, reply) => {
      const status = error instanceof Refused ? error.status : 500
      void reply
        .code(status)
        .type('text/plain')
        .send(`${explain(error)}\n`)
    })
    app.addHook('onRequest', async (request, reply) => {
      const problem = await this.#refusal(
        request.raw as never,
        this.#question(request.url, verbs.get(request.method) ?? 'get'),
      )
      if (problem) await reply.code(problem.status).type('text/plain').send(`${problem.message}\n`)
    })
    app.get('/healthz', async () => 'ok')
    app.get('/healthz/*', async () => 'ok')
    app.get('/pods', async (request, reply) => {
      const items = this.#node(request).pods()
      return reply.send({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items })
    })
    app.get('/stats/summary', request => {
      const node = this.#node(request)
      const { rates, volumes } = this.#nodes.get(node)!
      return summary(node, rates, volumes)
    })
    app.get('/metrics', async (request, reply) => {
      const node = this.#node(request)
      return reply.type('text/plain; version=0.0.4').send(await nodeMetrics(node, this.#nodes.get(node)!.volumes))
    })
    app.get('/metrics/resource', async (request, reply) =>
      reply.type('text/plain; version=0.0.4').send(await resourceMetrics(this.#node(request))),
    )
    app.get('/metrics/cadvisor', async (request, reply) =>
      reply.type('text/plain; version=0.0.4').send(await cadvisorMetrics(this.#node(request))),
    )
    app.get('/metrics/probes', (request, reply) =>
      reply.type('text/plain; version=0.0.4').send(probeMetrics(this.#node(request).probes.all)),
    )
    app.get('/configz', async request => ({ kubeletconfig: this.#node(request).configuration() }))
    app.get('/runningpods/', request => runningPods(this.#node(request)))
    app.get<{ Params: { '*': string } }>('/logs/*', async (request, reply) => {
      const { disk } = this.#node(request)
      if (!disk) throw new Refused(404, 'a simulated node has no machine, and no logs of one')
      const log = await systemLog(disk, request.params['*'])
      return 'page' in log
        ? reply.type('text/html; charset=utf-8').send(log.page)
        : reply.type('text/plain; charset=utf-8').send(Readable.from(log.bytes))
    })
    app.get(nodeNetworkPath, async request => {
      const { network, nodeName } = this.#node(request)
      if (!network) throw new Refused(404, `node ${nodeName} has no network of its own: it is simulated`)
      return network.whole()
    })
    app.post<{ Body: AddressQuestion }>(addressQuestionPath, async request => {
      const { checkAddress, nodeName } = this.#node(request)
      if (!checkAddress) throw new Refused(404, `node ${nodeName} is simulated and reaches nobody`)
      return checkAddress(request.body)
    })
    app.delete<{ Params: { name: string } }>(`${localVolumesPath}/:name`, async (request, reply) => {
      await this.#node(request).removeLocalVolume(request.params.name)
      return reply.send({})
    })
    app.route<{ Params: { '*': string }; Querystring: { ns?: string } }>({
      method: ['GET', 'HEAD'],
      url: `${imagePath}*`,
      handler: (request, reply) => this.#image(request, reply),
    })
    app.get<{ Params: Params }>('/containerLogs/:namespace/:pod/:container', (request, reply) =>
      this.#logs(request, reply),
    )
  }

  /** The node asked about: by the Host header where several share this server. */
  #node(request: { headers: { host?: string | undefined } }): ServedNode {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    let only: ServedNode | undefined
    for (const node of this.#nodes.keys()) {
      if (node.nodeName === host) return node
      only ??= node
    }
    if (only) return only
    throw new Refused(503, 'no node is served here at the moment')
  }

  async #image(
    request: FastifyRequest<{ Params: { '*': string }; Querystring: { ns?: string } }>,
    reply: FastifyReply,
  ) {
    const question = { path: request.params['*'], ns: request.query.ns, signal: goneOf(reply) }
    const { headers, body } = await answerImages(this.#node(request).images, question)
    void reply.headers(headers)
    return reply.send(body && request.method === 'GET' ? Readable.from(body) : undefined)
  }

  async #logs(request: FastifyRequest<{ Params: Params }>, reply: FastifyReply) {
    const { namespace, pod: name, container } = request.params
    const query = new URL(request.url, 'https://node').searchParams
    const { node, pod } = findPod(this.#nodes.keys(), namespace, name)
    const found = loggedContainer(node, pod, container, /^(true|1)$/.test(query.get('previous') ?? ''))
    const bytes = node.runtime.logs(found.id, logOptions(query, node.clock.now()), goneOf(reply))
    // Headers go out at once: a follower of a silent container must not wait for its first line.
    return reply.type('text/plain').send(Readable.from(flushed(bytes, () => reply.raw.flushHeaders())))
  }

  async #upgrade(request: UpgradeRequest, socket: Duplex, head: Buffer) {
    socket.on('error', () => {})
    try {
      const url = new URL(request.url ?? '/', 'https://node')
      const problem = await this.#refusal(request, this.#question(request.url ?? '/', 'create'))
      if (problem) throw new Refused(problem.status, problem.message)
      const run = this.#prepare(url)
      const upgrade = (request.headers['upgrade'] ?? '').toLowerCase()
      if (upgrade === 'websocket') this.#sockets.handleUpgrade(request as never, socket, head, ws => run.webSocket(ws))
      else if (upgrade === 'spdy/3.1') {
        const offered = (request.headers['x-stream-protocol-version'] ?? '').split(/\s*,\s*/)
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
      const status = error instanceof Refused ? error.status : 500
      const body = `${explain(error)}\n`
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    }
  }

  /** Finds everything a stream needs before the upgrade is accepted, so that a refusal is a plain answer. */
  #prepare(url: URL): Prepared {
    const [, kind, namespace = '', name = '', container = ''] = url.pathname.split('/').map(decodeURIComponent)
    const query = url.searchParams
    const flag = (...names: string[]) => names.some(n => /^(true|1)$/.test(query.get(n) ?? ''))
    const wanted = {
      stdin: flag('input', 'stdin'),
      stdout: flag('output', 'stdout'),
      stderr: flag('error', 'stderr'),
      tty: flag('tty'),
    }
    const { node, pod } = findPod(this.#nodes.keys(), namespace, name)
    if (kind === 'portForward') {
      const sandbox = sandboxOf(node, pod)
      const open = (port: number, signal: AbortSignal) => node.runtime.portForward(sandbox, port, signal)
      return {
        spdyProtocols: spdyPortProtocols,
        spdy: connection => forwardSpdyPorts(connection, open),
        webSocket(ws) {
          if (ws.protocol === spdyTunnelProtocol) return forwardSpdyPorts(createWebSocketStream(ws), open)
          const ports = [...query.getAll('port'), ...query.getAll('ports')].flatMap(p => p.split(',')).map(Number)
          if (!ports.length || ports.some(p => !Number.isInteger(p) || p < 1 || p > 65_535))
            return ws.close(1008, 'name the ports to forward: ?port=80')
          forwardPorts(ws, ports, open)
        },
      }
    }
    if (kind !== 'exec' && kind !== 'attach') throw new Refused(404, `no stream is served at ${url.pathname}`)
    const command = query.getAll('command')
    if (kind === 'exec' && !command.length) throw new Refused(400, 'name the command to run: ?command=ls')
    const { id } = runningContainer(node, pod, container)
    const inputGoesOn = wanted.tty || !readsInputOnce(pod, container)
    const execute = (streams: Streams, finish: (outcome: Outcome) => void, signal: AbortSignal) => {
      const running =
        kind === 'exec'
          ? node.runtime.execStream(id, command, streams, signal)
          : node.runtime.attach(id, { ...streams, inputGoesOn }, signal).then(() => 0)
      running.then(
        exitCode => finish({ exitCode }),
        error => finish({ error: explain(error) }),
      )
    }
    const endsWith = (connection: WebSocket | Duplex) => {
      const abort = new AbortController()
      ;(connection as Duplex).on('close', () => abort.abort(new DOMException('the client went away', 'AbortError')))
      return abort.signal
    }
    return {
      spdyProtocols: spdyExecProtocols,
      spdy(connection, protocol) {
        const signal = endsWith(connection)
        void execSpdyStreams(connection, protocol, wanted).then(
          ({ streams, finish }) => execute(streams, finish, signal),
          () => {},
        )
      },
      webSocket(ws) {
        const { streams, finish } = channelStreams(ws, ws.protocol, wanted)
        execute(streams, finish, endsWith(ws))
      },
    }
  }

  #question(url: string, verb: AccessQuestion['verb'] = 'get'): Omit<AccessQuestion, 'nodeName'> {
    const first = url.split(/[/?]/)[1]
    return { verb, subresource: subresources.get(first!) ?? 'proxy' }
  }

  /** Undefined: he may. */
  async #refusal(
    request: UpgradeRequest,
    question: Omit<AccessQuestion, 'nodeName'>,
  ): Promise<{ status: number; message: string } | undefined> {
    const { access, log } = this.#options
    try {
      const user = await access.identify(certificateOf(request.socket), request.headers['authorization'])
      if (!user) return { status: 401, message: 'Unauthorized' }
      const { nodeName } = this.#node(request)
      // Nodes give each other their images, and nothing else.
      if (request.url?.startsWith(imagePath) && user.groups.includes('system:nodes')) return undefined
      if (await access.allows(user, { ...question, nodeName })) return undefined
      const { verb, subresource } = question
      return {
        status: 403,
        message: `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource})`,
      }
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, message: error.message }
      log.warn({ error: explain(error) }, 'access not decided')
      return { status: 503, message: `it could not be decided who you are or what you may do: ${explain(error)}` }
    }
  }
}

/** By the first step of a path: what of a node it is about. Everything else is `proxy`. */
const subresources = new Map<string, AccessQuestion['subresource']>([
  ['stats', 'stats'],
  ['metrics', 'metrics'],
  ['logs', 'log'],
])

/** A stream request that was found good, for whichever way the client switches to. */
interface Prepared {
  spdyProtocols: readonly string[]
  spdy(connection: Duplex, protocol: string): void
  webSocket(ws: WebSocket): void
}

interface UpgradeRequest {
  url?: string
  headers: Record<string, string | undefined> & { host?: string }
  socket: unknown
}

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

/** Aborts when the client is gone. */
function goneOf(reply: FastifyReply): AbortSignal {
  const abort = new AbortController()
  reply.raw.on('close', () => abort.abort(new DOMException('the client went away', 'AbortError')))
  return abort.signal
}

async function* flushed(bytes: AsyncIterable<Uint8Array>, flush: () => void): AsyncGenerator<Uint8Array> {
  flush()
  yield* bytes
}
