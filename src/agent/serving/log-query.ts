import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { Refused } from './pod-access.ts'
import { systemLog } from './system-logs.ts'

/** What is asked of the logs of a machine's services, as kubelet's `/logs/?query=…` takes it. */
export interface LogQuery {
  /** Units of systemd, or names of files in /var/log; at most four. */
  services: string[]
  /** A file below /var/log, alone. */
  file?: string
  sinceMs?: number
  untilMs?: number
  /** 0…100 000 */
  tailLines?: number
  /** 0: this start of the machine, -1 the one before. */
  boot?: number
  /** Only lines that fit it; journalctl's, so PCRE2. */
  pattern?: string
}

export interface LogTools {
  disk: Disk
  commands: Commands
}

const mostServices = 4
const mostLines = 100_000
const names = ['query', 'sinceTime', 'untilTime', 'tailLines', 'boot', 'pattern'] as const

/**
 * Reads what follows `/logs/?`.
 * @returns undefined when nothing of the sort is asked
 * @throws Refused 400 for what cannot be read, 406 for what cannot be together
 */
export function readLogQuery(params: URLSearchParams): LogQuery | undefined {
  const asked = params.getAll('query').filter(text => text.trim())
  if (params.has('query') && !asked.length) throw new Refused(400, 'query: Invalid value: query cannot be empty')
  if (!names.some(name => params.get(name))) return undefined
  const files = asked.filter(text => /[/\\]/.test(text))
  const services = asked.filter(text => !/[/\\]/.test(text))
  const options = readOptions(params)
  if (!asked.length) throw new Refused(406, 'query: Required value: cannot be empty with options')
  for (const name of services)
    if (name.length > 256 || /[^a-zA-Z\-_.:0-9@]/.test(name) || name.startsWith('-'))
      throw new Refused(406, `query: Invalid value: ${JSON.stringify(name)}: input contains unsupported characters`)
  if (services.length > mostServices)
    throw new Refused(406, `query: Too many: ${services.length}: must have at most ${mostServices} items`)
  if (files.length && services.length) throw new Refused(406, 'query: Invalid value: cannot specify a file and service')
  if (files.length > 1) throw new Refused(406, 'query: Invalid value: cannot specify more than one file')
  const [file] = files
  if (file === undefined) return { services, ...options }
  if (Object.keys(options).length) throw new Refused(406, 'query: Invalid value: cannot specify file with options')
  return { services, file: file.replaceAll('\\', '/') }
}

function readOptions(params: URLSearchParams): Omit<LogQuery, 'services' | 'file'> {
  const sinceMs = readTime(params, 'sinceTime')
  const untilMs = readTime(params, 'untilTime')
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs)
    throw new Refused(406, 'untilTime: Invalid value: must be after `sinceTime`')
  const tailLines = readWhole(params, 'tailLines', 0, mostLines)
  const boot = readWhole(params, 'boot', Number.MIN_SAFE_INTEGER, 0)
  const pattern = params.get('pattern')
  return {
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(boot === undefined ? {} : { boot }),
    ...(pattern ? { pattern } : {}),
  }
}

function readTime(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name)
  if (!text) return undefined
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new Refused(400, `${name}: Invalid value: ${JSON.stringify(text)}: invalid time format`)
  return ms
}

function readWhole(params: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = params.get(name)
  if (!text) return undefined
  if (!/^[+-]?\d+$/.test(text))
    throw new Refused(400, `${name}: Invalid value: ${JSON.stringify(text)}: no whole number`)
  const value = Number(text)
  if (value > max || value < min)
    throw new Refused(
      406,
      `${name}: Invalid value: ${value}: ${min < 0 ? 'must be less than 1' : `must be between ${min} and ${max}, inclusive`}`,
    )
  return value
}

/** What journalctl is called with. Pure. Without a number of lines the last 100 000 are shown. */
export function journalArguments(query: LogQuery, services: readonly string[]): string[] {
  const { sinceMs, untilMs, tailLines = mostLines, boot, pattern } = query
  const moment = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC')
  return [
    ...['--utc', '--no-pager', '--output=short-precise'],
    ...(sinceMs === undefined ? [] : [`--since=${moment(sinceMs)}`]),
    ...(untilMs === undefined ? [] : [`--until=${moment(untilMs)}`]),
    `--lines=${tailLines}`,
    ...services.map(name => `--unit=${name}`),
    ...(pattern === undefined ? [] : [`--grep=${pattern}`]),
    ...(boot === undefined ? [] : [`--boot=${boot}`]),
  ]
}

/** The logs asked for: from the journal what it knows, else from `NAME`, `NAME.log` or `NAME/NAME.log` in /var/log. */
export async function* queriedLogs(
  { disk, commands }: LogTools,
  query: LogQuery,
  root?: string,
): AsyncGenerator<Uint8Array> {
  const known = await unitsOf(commands)
  const inJournal = query.services.filter(name => known.has(`${name}.service`))
  const inFiles = query.services.filter(name => !inJournal.includes(name))
  const { services: _, ...options } = query
  if (inJournal.length) {
    const { stdout, stderr } = await commands.run('journalctl', journalArguments(query, inJournal), journalRun)
    yield Buffer.from(stdout + stderr)
  }
  if (inFiles.length && Object.keys(options).length) {
    yield Buffer.from(
      `\noptions present and query resolved to log files for [${inFiles.join(' ')}]\ntry without specifying options\n`,
    )
    return
  }
  for (const name of inFiles) {
    const file = await fileOf(disk, name, root)
    if (file) yield* file
    else yield Buffer.from(`\nlog not found for ${name}\n`)
  }
}

const journalRun = { allowFailure: true, timeoutMs: 30_000 } as const

/** Services that the journal has something of; none on a machine without one. */
async function unitsOf(commands: Commands): Promise<ReadonlySet<string>> {
  const listed = await commands.run('journalctl', ['--field', '_SYSTEMD_UNIT'], journalRun).catch(() => undefined)
  return new Set(listed?.code === 0 ? listed.stdout.split('\n') : [])
}

async function fileOf(disk: Disk, name: string, root?: string): Promise<AsyncGenerator<Uint8Array> | undefined> {
  for (const path of [name, `${name}.log`, `${name}/${name}.log`]) {
    const log = await systemLog(disk, path, root).catch(() => undefined)
    if (log && 'bytes' in log) return log.bytes
  }
  return undefined
}
