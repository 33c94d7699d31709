import type { Random } from '../../base/random.ts'
import type { AnyObject } from '../../models/object.ts'

/** One field of one stored object, changed behind everybody's back. */
export interface Flip {
  path: string
  before: unknown
  /** undefined: taken away. */
  after: unknown
}

type Path = (string | number)[]

/** Fields that decide who belongs to whom come up more often than their number would have it. */
const favoured =
  /^(metadata\.(labels|ownerReferences|finalizers|annotations|uid|generation)|spec\.selector|spec\.template\.metadata|status)/

/** Flips a field of `object`, which is changed, in some way that may or may not make sense. */
export function flip(object: AnyObject, random: Random): Flip {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!
  const extra = random.next() < 0.15 ? strange(object, random) : undefined
  if (extra) return extra
  const all = leaves(object).filter(path => !/^(apiVersion|kind)$/.test(path.join('.')))
  const good = all.filter(path => favoured.test(path.join('.')))
  const path = pick(good.length && random.next() < 0.7 ? good : all)
  const parent = path.slice(0, -1).reduce<any>((at, part) => at[part], object)
  const last = path.at(-1)!
  const before = parent[last]
  const after = other(before, random)
  if (after === undefined && Array.isArray(parent)) parent.splice(Number(last), 1)
  else if (after === undefined) delete parent[last]
  else parent[last] = after
  return { path: path.join('.'), before, after }
}

/** What is not there yet: a holder that never lets go, an owner that does not exist, a deletion nobody asked for. */
function strange(object: AnyObject, random: Random): Flip {
  const { metadata } = object
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: random.uuid() }
  switch (Math.floor(random.next() * 3)) {
    case 0:
      metadata.finalizers = [...(metadata.finalizers ?? []), 'example.com/never']
      return { path: 'metadata.finalizers', before: undefined, after: metadata.finalizers }
    case 1:
      metadata.ownerReferences = [...(metadata.ownerReferences ?? []), owner]
      return { path: 'metadata.ownerReferences', before: undefined, after: metadata.ownerReferences }
    default:
      metadata.labels = { ...metadata.labels, app: 'calm' }
      return { path: 'metadata.labels.app', before: undefined, after: 'calm' }
  }
}

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Object.entries(value).flatMap(([key, v]) =>
    leaves(v, [...path, Array.isArray(value) ? Number(key) : key]),
  )
  return path.length ? [path, ...inner] : inner
}

function other(value: unknown, random: Random): unknown {
  const options: unknown[] = [undefined, null, ...kindred(value, random), 'x', 7, true, [], {}]
  // Most flips leave the type as it is: the others are easily noticed.
  const likely = random.next() < 0.75 ? kindred(value, random) : options
  return likely[Math.floor(random.next() * likely.length)]
}

function kindred(value: unknown, random: Random): unknown[] {
  if (typeof value === 'string') return ['', `${value}x`, bitFlipped(value, random), 'calm', random.uuid()]
  if (typeof value === 'number') return [0, -1, value + 1, value ^ 4]
  if (typeof value === 'boolean') return [!value]
  if (Array.isArray(value)) return [[], [...value, ...value], undefined]
  return [{}, undefined]
}

function bitFlipped(text: string, random: Random): string {
  if (!text) return '\u0001'
  const at = Math.floor(random.next() * text.length)
  return (
    text.slice(0, at) +
    String.fromCharCode(text.charCodeAt(at) ^ (1 << Math.floor(random.next() * 6))) +
    text.slice(at + 1)
  )
}
