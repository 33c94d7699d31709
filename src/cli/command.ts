import type { Command } from 'commander'
import { type Clock, sleep } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Net } from '../base/net.ts'
import { aborted } from '../main/elected.ts'
import { type ConnectionFlags, connect, type Remote } from './connection.ts'
import type { StandardStreams } from './standard-streams.ts'
import type { Terminal } from './terminal.ts'

/** What a command gets from the outside; tests hand in their own. */
export interface Outside {
  terminal: Terminal
  disk: Disk
  net: Net
  clock: Clock
  /** For what is no text of ours: the input and output of programs in containers. */
  streams: StandardStreams
  readStdin(): Promise<string>
  /** Aborts on Ctrl-C. */
  signal: AbortSignal
  connect(flags: ConnectionFlags): Promise<Remote>
  env: Record<string, string | undefined>
}

/** One command, one file under commands/; commands/index.ts lists them. */
export interface CliCommand {
  register(program: Command, outside: Outside): void
}

/** Adds the flags that every command talking to a cluster has. */
export function withConnection(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'namespace; the context\'s, else "default"')
    .option('--kubeconfig <file>', 'kubeconfig to use; those of $KUBECONFIG or ~/.kube/config unless given')
    .option('--context <name>', 'context in the kubeconfig')
    .option('--server <url>', "address of the API server, instead of the kubeconfig's")
}

/** How long a command that Ctrl-C has ended may take to end in order. */
const ordersMs = 1_000

/** Runs `work` with a connection that is closed afterwards. On Ctrl-C it is not waited for, whoever it waits for. */
export async function withRemote<T>(
  outside: Outside,
  flags: ConnectionFlags,
  work: (remote: Remote) => Promise<T>,
): Promise<T> {
  await using remote = await outside.connect(flags)
  const working = work(remote)
  const given = new AbortController()
  const interrupted = async () => {
    await aborted(outside.signal)
    await sleep(outside.clock, ordersMs, given.signal)
    return outside.signal.throwIfAborted() as never
  }
  try {
    return await Promise.race([working, interrupted()])
  } finally {
    given.abort()
  }
}

export { connect }
