import { silentLogger } from '../../base/logger.ts'
import { systemOutside } from '../../main/outside.ts'
import { readUnreadable, removeUnreadable, type UnreadableObject } from '../../main/unreadable-objects.ts'
import { type CliCommand, type Outside, withConnection } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'
import { discover, pathOf, type ServedResource } from '../resource-names.ts'
import { etcdFlags, settingsOf, withSettings } from './settings-flags.ts'

interface Flags extends ConnectionFlags {
  remove?: string
  yes?: boolean
  offline?: boolean
}

/** Where the objects are looked for: in a running cluster, or in a store while none runs. */
interface Place extends AsyncDisposable {
  items(): Promise<UnreadableObject[]>
  remove(chosen: UnreadableObject): Promise<void>
}

export const storeUnreadable: CliCommand = {
  register(program, outside) {
    withSettings(withConnection(program.command('unreadable')), ['data-dir', 'store', ...etcdFlags])
      .description('objects in the store that cannot be decoded; lists leave them out')
      .option('--remove <key>', 'delete the one with this key, without looking at its finalizers')
      .option('--yes', 'do delete it')
      .option('--offline', 'look into the store itself, while no server runs')
      .action(async (flags: Flags) => {
        await using place = flags.offline ? await inStore(outside, flags) : await inCluster(outside, flags)
        const items = await place.items()
        if (flags.remove === undefined) {
          outside.terminal.out(listed(items))
          return
        }
        const chosen = choose(items, flags.remove, flags.yes ?? false)
        await place.remove(chosen)
        outside.terminal.out(`${chosen.key} deleted\n`)
      })
  },
}

function listed(items: UnreadableObject[]): string {
  if (items.length === 0) return 'All objects can be decoded.\n'
  const rows = items.map(i => [i.key, i.revision, String(i.bytes), i.begins])
  return formatTable(['KEY', 'REVISION', 'BYTES', 'BEGINS'], rows)
}

function choose(items: UnreadableObject[], key: string, sure: boolean): UnreadableObject {
  const chosen = items.find(i => i.key === key)
  if (!chosen)
    throw new UsageError(`there is no unreadable object with the key ${key}`, {
      hint: 'See all of them: optiflow store unreadable',
    })
  if (!sure)
    throw new UsageError(`${key} (revision ${chosen.revision}, ${chosen.bytes} bytes) is still there`, {
      hint: 'Nobody can read its finalizers, nor what it owns: whatever waits for them is left behind. Make a backup, look at what it was (optiflow history), then add --yes.',
    })
  return chosen
}

async function inCluster(outside: Outside, flags: Flags): Promise<Place> {
  const remote = await outside.connect(flags)
  return {
    items: async () => (await remote.json<{ items: UnreadableObject[] }>('GET', '/optiflow/unreadable')).items,
    remove: chosen => removeFrom(remote, chosen),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

async function inStore(outside: Outside, flags: Flags): Promise<Place> {
  const settings = await settingsOf(outside, { ...flags })
  const world = systemOutside(silentLogger)
  return {
    items: () => readUnreadable(settings, world),
    remove: chosen => removeUnreadable(chosen, settings, world),
    async [Symbol.asyncDispose]() {},
  }
}

async function removeFrom(remote: Remote, chosen: UnreadableObject): Promise<void> {
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
