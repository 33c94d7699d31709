import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { discover, pathOf, qualifiedName } from '../resource-names.ts'
import { chooseTargets } from './get.ts'

interface Flags extends ConnectionFlags {
  replicas: string
}

export const scale: CliCommand = {
  register(program, outside) {
    withConnection(program.command('scale <resource> [names...]'))
      .description('how many pods: scale workload/web --replicas 5')
      .requiredOption('--replicas <n>', 'so many')
      .action((resource: string, names: string[], flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, resource, names, flags)),
      )
  },
}

async function run(outside: Outside, remote: Remote, type: string, names: string[], flags: Flags): Promise<void> {
  if (!/^\d+$/.test(flags.replicas)) throw new UsageError(`--replicas: "${flags.replicas}" is no number of pods`)
  for (const { resource, name } of chooseTargets(await discover(remote), type, names)) {
    if (!name) throw new UsageError(`name the ${resource.plural} to scale`)
    if (!resource.subresources.includes('scale')) throw new UsageError(`${resource.plural} cannot be scaled`)
    await remote.json('PATCH', `${pathOf(resource, remote.namespace, name)}/scale`, {
      body: { spec: { replicas: Number(flags.replicas) } },
      contentType: 'application/merge-patch+json',
    })
    outside.terminal.out(`${qualifiedName(resource, name)} scaled\n`)
  }
}
