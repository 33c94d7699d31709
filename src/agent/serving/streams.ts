import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { createWebSocketStream } from 'ws'
import { explain } from '../../base/errors.ts'
import { flag } from '../../base/query-flag.ts'
import type { Streams } from '../../runtime/runtime.ts'
import { channelStreams, type Outcome } from './channels.ts'
import { decoded, findPod, Refused, readsInputOnce, runningContainer, sandboxOf } from './pod-access.ts'
import { forwardPorts } from './port-channels.ts'
import type { ServedNode } from './served-node.ts'
import {
  execSpdyStreams,
  forwardSpdyPorts,
  spdyExecProtocols,
  spdyPortProtocols,
  spdyTunnelProtocol,
} from './spdy-streams.ts'

/** A stream request that was found good, for whichever way the client switches to. */
export interface PreparedStream {
  spdyProtocols: readonly string[]
  spdy(connection: Duplex, protocol: string): void
  webSocket(ws: WebSocket): void
}

/** Finds everything a stream needs before the upgrade is accepted, so that a refusal is a plain answer. */
export function prepareStream(nodes: Iterable<ServedNode>, url: URL): PreparedStream {
  // What it is about is read as it is written: by that it was found who may.
  const [, kind, ...place] = url.pathname.split('/')
  const [namespace = '', name = '', container = ''] = place.map(decoded)
  const query = url.searchParams
  const either = (...names: string[]) => names.some(name => flag(query, name))
  const wanted = {
    stdin: either('input', 'stdin'),
    stdout: either('output', 'stdout'),
    stderr: either('error', 'stderr'),
    tty: flag(query, 'tty'),
  }
  const { node, pod } = findPod(nodes, namespace, name)
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
