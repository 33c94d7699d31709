import { type CliCommand, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'
import { discover, pathOf, type ServedResource } from '../resource-names.ts'

interface Unreadable {
  key: string
  namespace?: string
  name: string
  revision: string
  bytes: number
  begins: string
}

export const storeUnreadable: CliCommand = {
  register(program, outside) {
    withConnection(program.command('unreadable'))
      .description('objects in the store that cannot be decoded; lists leave them out')
      .option('--remove <key>', 'delete the one with this key, without looking at its finalizers')
      .action((flags: ConnectionFlags & { remove?: string }) =>
        withRemote(outside, flags, async remote => {
          const { items } = await remote.json<{ items: Unreadable[] }>('GET', '/optiflow/unreadable')
          if (flags.remove === undefined) {
            const rows = items.map(i => [i.key, i.revision, String(i.bytes), i.begins])
            outside.terminal.out(
              items.length
                ? formatTable(['KEY', 'REVISION', 'BYTES', 'BEGINS'], rows)
                : 'All objects can be decoded.\n',
            )
            return
          }
          const chosen = items.find(i => i.key === flags.remove)
          if (!chosen)
            throw new UsageError(`there is no unreadable object with the key ${flags.remove}`, {
              hint: 'See all of them: optiflow store unreadable',
            })
          await removeOne(remote, chosen)
          outside.terminal.out(`${chosen.key} deleted\n`)
        }),
      )
  },
}

async function removeOne(remote: Remote, chosen: Unreadable): Promise<void> {
  const resource = resourceOfKey(await discover(remote), chosen.key)
  const path = pathOf(resource, chosen.namespace, chosen.name)
  await remote.json('DELETE', `${path}?ignoreStoreReadErrorWithClusterBreakingPotential=true`)
}

/** `/registry/<group>/<plural>/…` */
function resourceOfKey(served: ServedResource[], key: string): ServedResource {
  const [, , group, plural] = key.split('/')
  const found = served.find(r => r.plural === plural && (r.group || 'core') === group)
  if (found) return found
  throw new UsageError(`no kind is served whose objects lie at ${key}`)
}
