import { blame as originsOf } from '../../models/history/blame.ts'
import type { HistoryItem } from '../../models/history/item.ts'
import { type CliCommand, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readHistory } from '../object-history.ts'
import { age, formatObject, formatTable, readOutputForm } from '../output.ts'
import { valueText } from './history.ts'

interface Flags extends ConnectionFlags {
  output?: string
}

/** As far back as one looks for the one who set a field. */
const mostRevisions = 2000

export const blame: CliCommand = {
  register(program, outside) {
    withConnection(program.command('blame <object> [field]'))
      .description('who gave each field of an object its value, and when: blame deploy/web spec.replicas')
      .option('-o, --output <form>', 'wide (users and requests), json or yaml')
      .action(async (object: string, field: string | undefined, flags: Flags) => {
        const form = readOutputForm(flags.output)
        if (!object.includes('/')) throw new UsageError(`"${object}" is not TYPE/NAME, such as deploy/web`)
        await withRemote(outside, flags, async remote => {
          const items = await readHistory(remote, [object], mostRevisions)
          const deletion = items[0]?.type === 'Deleted' ? items[0] : undefined
          const states = deletion ? items.slice(1) : items
          const origins = originsOf(states, field ?? '', items.at(-1)?.type === 'Created')
          if (!states[0]?.object)
            throw new UsageError(`what ${object} was ${states[0] ? 'cannot be read' : 'is no longer kept'}`, {
              hint: `See what is known of it: optiflow history ${object}`,
            })
          if (origins.length === 0)
            throw new UsageError(`${object} has no field ${field}`, {
              hint: `See all of them: optiflow blame ${object}`,
            })
          if (form === 'json' || form === 'yaml') {
            outside.terminal.out(
              formatObject({ kind: 'FieldOrigins', apiVersion: 'optiflow.dev/v1', items: origins }, form),
            )
            return
          }
          if (deletion) outside.terminal.err(`${object} was deleted ${deletionText(deletion, outside.clock.now())}\n`)
          const rows = origins.map(o => [
            o.path,
            valueText(o.value),
            o.by,
            o.time ? `${o.time.slice(0, 19)}Z` : '<unknown>',
            age(o.time, outside.clock.now()),
            o.revision ?? '<earlier>',
            ...(form === 'wide' ? [o.user ?? '<unknown>', o.auditID ?? '<unknown>'] : []),
          ])
          outside.terminal.out(
            formatTable(
              ['FIELD', 'VALUE', 'BY', 'TIME', 'AGE', 'REVISION', ...(form === 'wide' ? ['USER', 'REQUEST'] : [])],
              rows,
            ),
          )
        })
      })
  },
}

function deletionText({ time, user, revision }: HistoryItem, now: number): string {
  const when = time ? `${age(time, now)} ago` : 'at an unknown time'
  return `${when} by ${user ?? 'an unknown user'}, revision ${revision}; it was:`
}
