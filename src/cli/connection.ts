import type { WebSocket } from 'ws'
import { systemDisk } from '../base/disk.ts'
import {
  type Client,
  createClient,
  httpTransport,
  openWebSocket,
  ServerUnreachable,
  type Transport,
} from '../client/index.ts'
import { type Connection, kubeconfigFiles, readKubeconfig } from '../main/kubeconfig.ts'
import { ApiError } from '../models/api-error.ts'
import { parseJson } from '../models/json.ts'
import type { ApiReply } from '../models/rest.ts'

export interface ConnectionFlags {
  kubeconfig?: string
  context?: string
  server?: string
  namespace?: string
  /** What the server knows the program as, whoever runs it; names the manager of fields that it writes. Default optiflow-cli. */
  userAgent?: string
}

/** One cluster as the commands see it. */
export interface Remote extends AsyncDisposable {
  client: Client
  /** How it is reached. */
  connection: Connection
  namespace: string
  /** The decoded reply. @throws ApiError for every status that is not 2xx */
  json<T = any>(
    method: string,
    url: string,
    /** @param options.exactIntegers integers beyond 2^53 are bigints, else rounded */
    options?: { body?: unknown; contentType?: string; accept?: string; exactIntegers?: boolean },
  ): Promise<T>
  /** The reply's body as it comes. @throws ApiError */
  stream(url: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /** What exec and port-forward speak over. @throws ApiError */
  webSocket(url: string, protocols: readonly string[]): Promise<WebSocket>
}

const commandLine = 'optiflow-cli'

/** Connects with a kubeconfig: the named context, else ours if the file has it, else the current one. */
export async function connect(flags: ConnectionFlags): Promise<Remote> {
  const { chosen, from } = await chooseConnection(flags)
  const connection = { ...chosen, server: flags.server ?? chosen.server }
  const userAgent = flags.userAgent ?? commandLine
  const transport = sayingWho(httpTransport({ ...connection, userAgent }), from)
  return remote(transport, connection, flags.namespace ?? connection.namespace ?? 'default')
}

/** @returns also the file whose current context was taken because nobody named one and there is none of ours */
async function chooseConnection(flags: ConnectionFlags): Promise<{ chosen: Connection; from?: string }> {
  const path = flags.kubeconfig ?? kubeconfigFiles()
  if (flags.context || flags.kubeconfig) return { chosen: await readKubeconfig(systemDisk, path, flags.context) }
  return readKubeconfig(systemDisk, path, 'optiflow').then(
    chosen => ({ chosen }),
    async () => ({ chosen: await readKubeconfig(systemDisk, path), from: [path].flat().join(', ') }),
  )
}

/**
 * A context that nobody named may be that of another cluster: who is refused, or finds nobody there, is told which one it was.
 * Exported for its test.
 */
export function sayingWho(transport: Transport, from: string | undefined): Transport {
  if (!from) return transport
  const advice = `It was asked since ${from} has no context "optiflow" and this one is its current; name another with --context or --kubeconfig.`
  return {
    async send(request) {
      try {
        return await transport.send(request)
      } catch (error) {
        if (!(error instanceof ServerUnreachable)) throw error
        throw new ServerUnreachable(error.server, { cause: error.cause, advice })
      }
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

/** A Remote over any transport: in process in tests. */
export function remote(transport: Transport, connection: Connection, namespace: string): Remote {
  return {
    connection,
    client: createClient(transport),
    namespace,
    async json(method, url, options = {}) {
      const reply = await transport.send({
        method,
        url,
        headers: {
          accept: options.accept ?? 'application/json',
          ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      })
      const text = await bodyText(reply)
      if (reply.status >= 300) throw ApiError.fromReply(reply.status, text)
      return options.exactIntegers ? parseJson(text, { exactIntegers: true }).value : JSON.parse(text)
    },
    webSocket: (url, protocols) => openWebSocket({ ...connection, userAgent: commandLine }, url, protocols),
    async stream(url, signal) {
      const reply = await transport.send({
        method: 'GET',
        url,
        headers: {},
        stream: true,
        ...(signal ? { signal } : {}),
      })
      if (reply.status >= 300) throw ApiError.fromReply(reply.status, await bodyText(reply))
      const { body } = reply
      return body instanceof Uint8Array ? once(body) : body
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

async function bodyText(reply: ApiReply): Promise<string> {
  if (reply.body instanceof Uint8Array) return Buffer.from(reply.body).toString()
  const chunks: Uint8Array[] = []
  for await (const chunk of reply.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk
}
