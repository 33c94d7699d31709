import { type Duplex, pipeline } from 'node:stream'
import { abortable } from '../../base/abort.ts'
import { codeOf, explain } from '../../base/errors.ts'
import type { Listener } from '../../base/net.ts'
import { forwardedConnection, portForwardProtocols } from '../../client/index.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { type ForwardedPort, forwardedPort } from '../forwarded-ports.ts'
import { onePodOf } from '../pods-of.ts'

interface Flags extends ConnectionFlags {
  address: string
}

export const portForward: CliCommand = {
  register(program, outside) {
    withConnection(program.command('port-forward <target> <ports...>'))
      .description('ports of a pod, Service or Workload, here: port-forward workload/web 8080:80')
      .option('--address <ip>', 'where to listen', '127.0.0.1')
      .action((target: string, ports: string[], flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, target, ports, flags)),
      )
  },
}

async function run(outside: Outside, remote: Remote, target: string, texts: string[], flags: Flags): Promise<void> {
  const { pod, through } = await onePodOf(remote, target)
  const ports = texts.map(text => forwardedPort(text, through, pod))
  const url = `/api/v1/namespaces/${remote.namespace}/pods/${pod.metadata.name}/portforward`
  const listeners: Listener[] = []
  try {
    for (const port of ports) {
      const listener = await listen(outside, flags.address, port, socket =>
        forward(outside, remote, `${url}?ports=${port.remote}`, socket),
      )
      listeners.push(listener)
      outside.terminal.out(`Forwarding from ${flags.address}:${listener.port} -> ${port.remote}\n`)
    }
    await abortable(new Promise<never>(() => {}), outside.signal).catch(() => {})
  } finally {
    await Promise.all(listeners.map(l => l.close()))
  }
}

async function listen(
  { net }: Outside,
  address: string,
  { local }: ForwardedPort,
  onConnection: (socket: Duplex) => void,
): Promise<Listener> {
  try {
    return await net.listenTcp(address, local, onConnection)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    throw new UsageError(`port ${local} of ${address} is in use by another program`, {
      hint: 'Choose another: LOCAL:REMOTE, or :REMOTE for any that is free.',
    })
  }
}

/** A connection that cannot be passed on is said, and ends; the others go on. */
async function forward({ terminal }: Outside, remote: Remote, url: string, socket: Duplex): Promise<void> {
  const failed = (error: unknown) => {
    terminal.err(`A connection was lost: ${explain(error)}\n`)
    socket.destroy()
  }
  try {
    const connection = forwardedConnection(await remote.webSocket(url, portForwardProtocols))
    pipeline(socket, connection, socket, error => {
      // Whoever has its answer may leave before all is said.
      if (error && codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') failed(error)
    })
  } catch (error) {
    failed(error)
  }
}
