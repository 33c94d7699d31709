import { wireTree } from './protobuf.ts'
import type { Answer, Json, Side } from './side.ts'

/** What a server said, without what differs between any two of its answers: uids, times, versions, what it made up. */
export interface Told {
  status: number
  headers: Record<string, unknown>
  body: Json
}

const uid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g
/** Times of these years are ours: those in requests lie elsewhere. */
const now = /\b20(2[6-9]|3\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g
const given = '2001-02-03T04:05:06Z'
/** Of the range that both were started with. */
const clusterIp = /\b10\.96\.\d+\.\d+\b/g
const tokenVolume = /\bkube-api-access-[a-z0-9]{5}\b/g
const age = /^\d+s$|^\d+m(\d+s)?$/
/** Versions in YAML. */
const written = /^( *resourceVersion: )"\d+"$/gm
const versions = /(resource version: )\d+(?:(, current: )\d+| \(\d+\))?/g

/** The whole object, in an order of fields that means nothing. */
const patched = /Invalid value: "\{(?:[^"\\]|\\.)*"/g
/** Values as Go prints its types, and differences as one of its libraries draws them. */
const goValue = /Invalid value: (?:\{|\[|&|map\[|[a-z]\w*\.[A-Z])[\s\S]*?: (?=field is immutable)/g
const goChanges = /(is immutable after creation|if it was previously negative\)|for bound claims)[\s\S]*$/
/** A signed token, of which nothing is the same twice. */
const token = /\beyJ[\w-]{20,}\.[\w-]+\.[\w-]+/g
const pointers = /\b0x[0-9a-f]+\b/g

/** A time that requests may hold: it is compared. */
export const someTime = given

const droppedHeaders = new Set(['date', 'audit-id', 'content-length', 'connection', 'keep-alive', 'transfer-encoding'])

/** @param headers those that are compared; all but what every answer has its own of, by default */
export function toldBy(answer: Answer, side: Side, headers?: readonly string[]): Told {
  return {
    status: answer.status,
    headers: headersOf(answer, side, headers),
    body: masked(bodyOf(answer), side),
  }
}

function bodyOf({ headers, bytes, text }: Answer): Json {
  const type = headers['content-type']
  return type?.includes('protobuf') ? wireTree(bytes, type.includes('stream=watch')) : parsed(text)
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    // Events, a line each.
    const lines = text.split('\n').filter(Boolean)
    return lines.length > 1 && lines.every(line => line.startsWith('{')) ? lines.map(line => JSON.parse(line)) : text
  }
}

function headersOf({ headers }: Answer, side: Side, chosen: readonly string[] | undefined): Record<string, unknown> {
  const names = chosen ?? Object.keys(headers).filter(name => !droppedHeaders.has(name))
  const entries = names
    .filter(name => headers[name] !== undefined)
    .map(name => [name, maskText(String(headers[name]), side)])
  return Object.fromEntries(entries)
}

/** @returns a copy */
export function masked(value: Json, side: Side, key = ''): Json {
  if (Array.isArray(value)) return value.map(item => masked(item, side, key === 'cells' ? 'cell' : ''))
  if (typeof value === 'string') {
    if (key === 'resourceVersion' && value !== '' && value !== '0') return '<version>'
    if (key === 'continue' && value !== '') return '<continue>'
    return key === 'cell' && age.test(value) ? '<age>' : maskText(value, side)
  }
  if (key === 'nodePort' && value >= 30_000 && value <= 32_767) return '<port>'
  if (value === null || typeof value !== 'object') return value
  const copy: Json = {}
  for (const [name, inner] of Object.entries(value)) copy[name] = masked(inner, side, name)
  // By their times, which are not the same.
  if (Array.isArray(copy.managedFields))
    copy.managedFields.sort((a: Json, b: Json) => entryName(a).localeCompare(entryName(b)))
  const base = copy.metadata?.generateName
  if (base && copy.metadata.name?.startsWith(base)) copy.metadata.name = `${base}<made up>`
  return copy
}

const entryName = ({ operation, manager, subresource, apiVersion }: Json) =>
  `${operation} ${manager} ${subresource ?? ''} ${apiVersion}`

function maskText(text: string, side: Side): string {
  return text
    .replace(uid, '<uid>')
    .replace(now, '<time>')
    .replace(written, '$1<version>')
    .replace(versions, '$1<version>')
    .replace(patched, 'Invalid value: <the object>')
    .replace(goValue, 'Invalid value: <the value>: ')
    .replace(goChanges, '$1')
    .replace(token, '<token>')
    .replace(pointers, '<pointer>')
    .replace(clusterIp, '<address>')
    .replace(tokenVolume, 'kube-api-access-<made up>')
    .replace(new RegExp(`\\b[0-9.]+:${side.keys.port}\\b`, 'g'), '<server>')
}
