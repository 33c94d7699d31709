import type { FieldChange } from '../../models/history/changes.ts'
import type { HistoryItem } from '../../models/history/item.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readHistory } from '../object-history.ts'
import { age, formatObject, formatTable, readOutputForm } from '../output.ts'

interface Flags extends ConnectionFlags {
  output?: string
  limit: string
}

/** In the narrow form so many fields are named. */
const shownFields = 3
const shownLength = 40

export const history: CliCommand = {
  register(program, outside) {
    withConnection(program.command('history <object> [name]'))
      .description('what an object was: each revision, when, by whom, which fields; deleted objects too')
      .option('-o, --output <form>', 'wide (requests and all fields), json or yaml (whole objects)')
      .option('--limit <n>', 'at most so many revisions, the newest', '20')
      .action(async (object: string, name: string | undefined, flags: Flags) => {
        const limit = Number(flags.limit)
        if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit is not a whole number above 0')
        const form = readOutputForm(flags.output)
        if (form === 'name') throw new UsageError('-o name does not fit a history; use wide, json or yaml')
        await withRemote(outside, flags, async remote => {
          const items = await readHistory(remote, name ? [object, name] : [object], limit)
          outside.terminal.out(
            form === 'json' || form === 'yaml'
              ? formatObject({ kind: 'ObjectHistory', apiVersion: 'optiflow.dev/v1', items }, form)
              : table(outside, items, form === 'wide'),
          )
        })
      })
  },
}

function table(outside: Outside, items: HistoryItem[], wide: boolean): string {
  const now = outside.clock.now()
  const rows = items.map(item => [
    item.revision,
    item.time ? `${item.time.slice(0, 19)}Z` : '<unknown>',
    age(item.time, now),
    item.by.join(', ') || '<unknown>',
    item.user ?? '<unknown>',
    ...(wide ? [item.auditID ?? '<unknown>'] : []),
    changeText(item, wide),
  ])
  return formatTable(['REVISION', 'TIME', 'AGE', 'BY', 'USER', ...(wide ? ['REQUEST'] : []), 'CHANGE'], rows)
}

function changeText(item: HistoryItem, wide: boolean): string {
  if (item.error) return item.error
  if (item.type === 'Created') return 'created'
  if (item.type === 'Deleted') return 'deleted'
  if (item.type === 'Earlier') return 'as history begins'
  if (item.fields.length === 0) return 'metadata only'
  const shown = wide ? item.fields : item.fields.slice(0, shownFields)
  const more = item.fields.length - shown.length
  return shown.map(fieldText).join(', ') + (more ? ` and ${more} more` : '')
}

function fieldText({ path, ...change }: FieldChange): string {
  if (!('from' in change)) return `${path}: + ${valueText(change.to)}`
  if (!('to' in change)) return `${path}: removed`
  return `${path}: ${valueText(change.from)} → ${valueText(change.to)}`
}

/** One line, cut when it is long. */
export function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const line = text.replaceAll('\n', ' ')
  return line.length > shownLength ? `${line.slice(0, shownLength - 1)}…` : line
}
