import { commandProtocols, joinCommand } from '../../client/index.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { ProgramFailed } from '../failure.ts'
import { onePodOf } from '../pods-of.ts'

interface Flags extends ConnectionFlags {
  container?: string
  stdin?: boolean
  tty?: boolean
}

export const exec: CliCommand = {
  register(program, outside) {
    withConnection(program.command('exec <target> <command> [args...]'))
      .description('run a program in a container: exec -it workload/web -- sh')
      .option('-c, --container <name>', 'which container')
      .option('-i, --stdin', 'pass standard input on')
      .option('-t, --tty', 'with a terminal')
      .action((target: string, command: string, args: string[], flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, target, [command, ...args], flags)),
      )
  },
}

async function run(
  { streams, terminal }: Outside,
  remote: Remote,
  target: string,
  command: string[],
  flags: Flags,
): Promise<void> {
  const { input, output, errors } = streams
  const screen = flags.tty && flags.stdin ? streams.screen : undefined
  if (flags.tty && !screen) terminal.err('There is no terminal here to hand on: the program runs without one.\n')
  const url = await urlOf(remote, target, command, flags, screen !== undefined)
  const socket = await remote.webSocket(url, commandProtocols)
  const joined = joinCommand(socket, { ...(flags.stdin ? { input } : {}), output, errors })
  if (screen) {
    joined.resize(screen.size())
    screen.onResize(() => joined.resize(screen.size()))
    screen.setRaw(true)
  }
  try {
    const exitCode = await joined.ended
    if (exitCode !== 0) throw new ProgramFailed(exitCode)
  } finally {
    screen?.setRaw(false)
  }
}

async function urlOf(
  remote: Remote,
  target: string,
  command: string[],
  { container, stdin }: Flags,
  tty: boolean,
): Promise<string> {
  const { pod } = await onePodOf(remote, target)
  const containers = pod.spec.containers.map(c => c.name)
  const chosen = container ?? pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ?? containers[0]!
  const query = new URLSearchParams({ container: chosen, stdout: 'true', stderr: String(!tty) })
  if (stdin) query.set('stdin', 'true')
  if (tty) query.set('tty', 'true')
  for (const word of command) query.append('command', word)
  return `/api/v1/namespaces/${remote.namespace}/pods/${pod.metadata.name}/exec?${query}`
}
