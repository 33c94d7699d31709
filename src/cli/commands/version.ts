import { kubernetesVersion, version as own } from '../../main/version.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'

interface Flags extends ConnectionFlags {
  client?: boolean
  output?: string
}

export const version: CliCommand = {
  register(program, outside) {
    withConnection(program.command('version'))
      .description('of this program, and of the server that it speaks to')
      .option('--client', 'only of this program, no server is asked')
      .option('-o, --output <form>', 'json')
      .action((flags: Flags) => {
        if (flags.output !== undefined && flags.output !== 'json')
          throw new UsageError(`-o: "${flags.output}" is not json`, { hint: 'Leave it out for text.' })
        return flags.client
          ? print(outside, flags)
          : withRemote(outside, flags, async remote => print(outside, flags, await remote.json('GET', '/version')))
      })
  },
}

function print({ terminal }: Outside, flags: Flags, server?: { gitVersion?: string }): void {
  const client = { version: own, kubernetes: kubernetesVersion.gitVersion, node: process.versions.node }
  if (flags.output === 'json') {
    terminal.out(`${JSON.stringify({ client, ...(server ? { server } : {}) }, null, 2)}\n`)
    return
  }
  terminal.out(`optiflow  ${own} (Kubernetes API ${client.kubernetes}, Node ${client.node})\n`)
  if (server) terminal.out(`server    ${server.gitVersion}\n`)
}
