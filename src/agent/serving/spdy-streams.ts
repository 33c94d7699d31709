import { type Duplex, PassThrough } from 'node:stream'
import { Channel } from '../../base/channel.ts'
import { explain } from '../../base/errors.ts'
import type { Runtime, Streams } from '../../runtime/runtime.ts'
import { allWritten, type Outcome, outcomeText, parseSize, type Wanted } from './channels.ts'
import { type SpdyStream, serveSpdy } from './spdy-session.ts'

/** As a WebSocket's sub-protocol: SPDY frames in its messages. kubectl forwards ports in this way. */
export const spdyTunnelProtocol = 'SPDY/3.1+portforward.k8s.io'

/** What `x-stream-protocol-version` may say for exec and attach over SPDY, the best first. */
export const spdyExecProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']
export const spdyPortProtocols = ['portforward.k8s.io']

/**
 * Ports of a pod over SPDY: for each connection the client opens a stream for errors and one for bytes, with the same
 * `requestid`; their `port` header says where to.
 */
export function forwardSpdyPorts(
  connection: Duplex,
  open: (port: number, signal: AbortSignal) => ReturnType<Runtime['portForward']>,
): void {
  const waiting = new Map<string, SpdyStream>()
  serveSpdy(connection, stream => {
    const kind = stream.headers.get('streamtype')
    const port = Number(stream.headers.get('port'))
    if ((kind !== 'data' && kind !== 'error') || !Number.isInteger(port) || port < 1 || port > 65_535)
      return void stream.destroy()
    // Old clients send no id: their streams come in pairs for each port.
    const id = stream.headers.get('requestid') ?? `port ${port}`
    const other = waiting.get(id)
    if (!other || other.headers.get('streamtype') === kind) return void waiting.set(id, stream)
    waiting.delete(id)
    const [data, errors] = kind === 'data' ? [stream, other] : [other, stream]
    errors.resume()
    void forwardOne(data, errors, port, open)
  })
}

async function forwardOne(
  data: SpdyStream,
  errors: SpdyStream,
  port: number,
  open: (port: number, signal: AbortSignal) => ReturnType<Runtime['portForward']>,
): Promise<void> {
  const abort = new AbortController()
  const stop = () => abort.abort(new DOMException('the client went away', 'AbortError'))
  data.on('close', stop)
  try {
    const { readable, writable } = await open(port, abort.signal)
    writable.on('error', () => {})
    data.pipe(writable)
    await new Promise<void>((resolve, reject) => {
      readable.on('error', reject)
      readable.on('end', resolve)
      data.on('close', resolve)
      readable.pipe(data)
    })
    errors.end()
  } catch (error) {
    errors.end(`error forwarding port ${port} to pod: ${explain(error)}`)
    data.end()
  }
}

/** The streams of one exec or attach over SPDY, each of which the client opens with its `streamtype`. Resolves when all are there. */
export function execSpdyStreams(
  connection: Duplex,
  protocol: string,
  wanted: Wanted,
): Promise<{ streams: Streams; finish(outcome: Outcome): void }> {
  const found = new Map<string, SpdyStream>()
  const tty = wanted.tty
  const names = [
    'error',
    ...(wanted.stdin ? ['stdin'] : []),
    ...(wanted.stdout ? ['stdout'] : []),
    ...(wanted.stderr && !tty ? ['stderr'] : []),
    // Sizes of the terminal are known since version 3.
    ...(tty && /^v[34]\./.test(protocol) ? ['resize'] : []),
  ]
  return new Promise((resolve, reject) => {
    connection.once('close', () => reject(new DOMException('the client went away', 'AbortError')))
    serveSpdy(connection, stream => {
      const kind = stream.headers.get('streamtype') ?? ''
      if (!names.includes(kind) || found.has(kind)) return void stream.destroy()
      found.set(kind, stream)
      if (found.size < names.length) return
      const [errors, stdin, stdout, stderr, resize] = ['error', 'stdin', 'stdout', 'stderr', 'resize'].map(n =>
        found.get(n),
      )
      for (const one of [errors, stdout, stderr]) one?.resume()
      const input = stdin ? new PassThrough() : undefined
      if (stdin && input) {
        stdin.pipe(input)
        stdin.on('close', () => input.end())
      }
      resolve({
        streams: {
          tty,
          ...(input ? { stdin: input } : {}),
          ...(stdout ? { stdout } : {}),
          ...(stderr ? { stderr } : {}),
          ...(resize ? { resize: sizesOf(resize) } : {}),
        },
        finish(outcome) {
          void allWritten([stdout, stderr].filter(one => one !== undefined)).then(() =>
            errors!.end(outcomeText(outcome, /^v4\./.test(protocol)), () => connection.end()),
          )
        },
      })
    })
  })
}

function sizesOf(stream: SpdyStream): Channel<{ width: number; height: number }> {
  const sizes = new Channel<{ width: number; height: number }>()
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = parseSize(Buffer.from(text.slice(0, end + 1)))
      if (size) sizes.push(size)
      text = text.slice(end + 1)
    }
  })
  stream.on('close', () => sizes.end())
  return sizes
}
