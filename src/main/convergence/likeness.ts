import type { AnyObject } from '../../models/object.ts'

/**
 * Two runs of one story differ in what is chance: uids, revisions, times, addresses, the ends of generated names. This takes that away,
 * so that what remains must be equal.
 */

/** `web-7d4f-*` for a generated name, `pvc-*` for one made of a uid; undefined for one that was given. */
export function nameless({ metadata }: AnyObject): string | undefined {
  const { generateName, name = '' } = metadata ?? {}
  if (generateName && name.startsWith(generateName)) return `${generateName}*`
  return uidInside.test(name) ? name.replace(uidInside, '*') : undefined
}

const chance = new Set([
  ...['uid', 'resourceVersion', 'managedFields', 'generation', 'nodeName', 'clusterIP', 'clusterIPs', 'nodePort'],
  // Who dies between scaling and saying so has scaled all the same; nobody knows when, as with upstream's.
  'lastScaleTime',
  // Of what a list of endpoints tells, by what its writer has seen before.
  'endpoints.kubernetes.io/last-change-trigger-time',
])
const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
/** Not those of ranges. */
const address = /\b\d{1,3}(\.\d{1,3}){3}\b(?!\/)/g
const uidInside = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
const uid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** One line for each object, in an order of their own. */
export function likeness(objects: readonly { key: string; object: AnyObject }[]): string[] {
  const names = new Map<string, string>()
  for (const { object } of objects) {
    const name = nameless(object)
    if (name) names.set(object.metadata.name, name)
  }
  const longest = [...names.keys()].sort((a, b) => b.length - a.length)
  const plain = (text: string) => {
    if (text.startsWith('kube-api-access-')) return 'kube-api-access-*'
    if (uid.test(text)) return '<uid>'
    const known = longest.find(name => text.includes(name))
    return (known ? text.replaceAll(known, names.get(known)!) : text)
      .replace(time, '<time>')
      .replace(address, '<address>')
  }
  return objects
    .map(({ key, object }) => {
      const bare = { ...object, status: observed(object) }
      return `${key.split('/').slice(2, -1).join('/')} ${JSON.stringify(strip(bare, plain))}`
    })
    .sort()
}

/** A generation counts writes; what matters is whether the newest was seen. */
function observed({ status, metadata }: any): unknown {
  if (status?.observedGeneration === undefined) return status
  return { ...status, observedGeneration: status.observedGeneration === metadata.generation ? 'newest' : 'older' }
}

function strip(value: unknown, plain: (text: string) => string): unknown {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(v => strip(v, plain)).sort((a, b) => (text(a) < text(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  // What holds nothing but chance is as good as not there.
  const kept = Object.entries(value)
    .filter(([key]) => !chance.has(key))
    .map(([key, v]): [string, unknown] => [plain(key), strip(v, plain)])
    .filter(([, v]) => v !== undefined && !isEmpty(v))
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const text = (value: unknown) => JSON.stringify(value)
const isEmpty = (value: unknown) =>
  value === null || value === 0 || (typeof value === 'object' && !Object.keys(value).length)
