import { YamlEmitter } from '../models/go-yaml/emitter.ts'
import { UsageError } from './failure.ts'
import { goJson } from './go-json.ts'

export type OutputForm = 'table' | 'wide' | 'json' | 'yaml' | 'name'

export function readOutputForm(text: string | undefined): OutputForm {
  if (text === undefined || text === '') return 'table'
  if (text === 'json' || text === 'yaml' || text === 'wide' || text === 'name') return text
  throw new UsageError(`unknown output form "${text}"`, { hint: 'Use -o json, yaml, wide or name.' })
}

/** Columns aligned to their widest cell, three spaces between, as kubectl prints. */
export function formatTable(header: string[] | undefined, rows: string[][]): string {
  const all = header ? [header, ...rows] : rows
  const widths: number[] = []
  for (const row of all) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return all
    .map(row =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)))
        .join('   ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}

interface ServerTable {
  columnDefinitions?: { name: string; priority: number }[]
  rows?: { cells: unknown[]; object?: { metadata?: { namespace?: string; name?: string } } }[]
}

/** A meta.k8s.io/v1 Table as text. */
export function formatServerTable(
  table: ServerTable,
  options: { wide: boolean; namespaces: boolean; header: boolean; prefix?: (name: string) => string },
): string {
  const columns = table.columnDefinitions ?? []
  const shown = columns.map((c, i) => ({ ...c, i })).filter(c => options.wide || !c.priority)
  const header = [...(options.namespaces ? ['NAMESPACE'] : []), ...shown.map(c => c.name.toUpperCase())]
  const rows = (table.rows ?? []).map(row => {
    const cells = shown.map(c => {
      const text = cellText(row.cells[c.i])
      return c.i === 0 && options.prefix ? options.prefix(text) : text
    })
    return options.namespaces ? [row.object?.metadata?.namespace ?? '', ...cells] : cells
  })
  return formatTable(options.header ? header : undefined, rows)
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined || cell === '') return '<none>'
  return String(cell).replaceAll('\n', ' ')
}

/** One object or a list as JSON or YAML, byte by byte as kubectl prints it: without the managers' book-keeping, members by their names. */
export function formatObject(object: unknown, form: 'json' | 'yaml'): string {
  const plain = withoutManagedFields(object)
  return form === 'json' ? `${goJson(plain)}\n` : yamlText(plain)
}

/** A value as Go's YAML: how kubectl prints it. Members that are undefined are left out. */
export function yamlText(value: unknown): string {
  const emitter = new YamlEmitter()
  emitter.value(withoutUndefined(value))
  return emitter.end().toString()
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(item => withoutUndefined(item) ?? null)
  if (typeof value !== 'object' || value === null) return value
  const there = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(there.map(([name, member]) => [name, withoutUndefined(member)]))
}

function withoutManagedFields(value: any): any {
  if (Array.isArray(value?.items)) return { ...value, items: value.items.map(withoutManagedFields) }
  if (!value?.metadata?.managedFields) return value
  const { managedFields: _, ...metadata } = value.metadata
  return { ...value, metadata }
}

/** `5s`, `3m20s`, `4h`, `2d`: how long ago, as kubectl says it. */
export function age(fromText: string | undefined, nowMs: number): string {
  if (!fromText) return '<unknown>'
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(fromText)) / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  return days < 8 && hours % 24 ? `${days}d${hours % 24}h` : `${days}d`
}
