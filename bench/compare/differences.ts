import type { Json } from './side.ts'
import type { Told } from './told.ts'

/** One way in which two answers differ. Those of one cause are told together. */
export interface Difference {
  /** What differs, without what is peculiar to one request: `201, Kubernetes 422: spec.x: Required value`, `spec.ports[].protocol: absent, Kubernetes ""`. */
  cause: string
  ours: string
  theirs: string
}

/** @returns none for equal answers. Different statuses are one difference, whatever the bodies say. */
export function differencesOf(ours: Told, theirs: Told): Difference[] {
  if (ours.status !== theirs.status) {
    const cause = `${ours.status}${reasonOf(ours)}, Kubernetes ${theirs.status}${reasonOf(theirs)}`
    return [{ cause, ours: shown(ours.body), theirs: shown(theirs.body) }]
  }
  const found: Difference[] = []
  compare(ours.headers, theirs.headers, 'header ', found)
  const failed = theirs.body?.kind === 'Status' && ours.body?.kind === 'Status'
  if (failed && ours.body.message !== theirs.body.message) {
    const cause = `message "${generalized(ours.body.message)}", Kubernetes "${generalized(theirs.body.message)}"`
    found.push({ cause, ours: String(ours.body.message), theirs: String(theirs.body.message) })
  } else compare(ours.body, theirs.body, '', found)
  return found
}

const reasonOf = ({ body }: Told) => (body?.kind === 'Status' ? ` "${generalized(String(body.message))}"` : '')

/** A message without the names and values in it. */
function generalized(message: string): string {
  const text = String(message)
    .replace(/"(?:[^"\\]|\\.)*"/g, '"…"')
    .replace(/\[\d+\]/g, '[]')
    .replace(/(Invalid value|Unsupported value|Duplicate value|Too long): [^:]{0,2000}?(?=: |, |$)/g, '$1: …')
    .replace(/\b\d+\b/g, 'N')
  return text.length > 220 ? `${text.slice(0, 220)}…` : text
}

function compare(ours: Json, theirs: Json, path: string, found: Difference[]): void {
  if (Object.is(ours, theirs)) return
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
    for (let i = 0; i < ours.length; i++) compare(ours[i], theirs[i], `${path}[]`, found)
    return
  }
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const [more, less] = [without(ours, theirs), without(theirs, ours)]
    const cause = `${path || 'body'}[]: ${more.length} that Kubernetes has not, without ${less.length} that it has`
    found.push({ cause, ours: shown(more), theirs: shown(less) })
    return
  }
  if (isObject(ours) && isObject(theirs)) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)]))
      compare(ours[key], theirs[key], path === '' || path.endsWith(' ') ? `${path}${key}` : `${path}.${key}`, found)
    return
  }
  const cause = `${path || 'body'}: ${formOf(ours)}, Kubernetes ${formOf(theirs)}`
  found.push({ cause, ours: shown(ours), theirs: shown(theirs) })
}

/** The elements that the others have not, or not as often. */
function without(some: Json[], others: Json[]): Json[] {
  const left = others.map(other => canonical(other))
  return some.filter(one => {
    const at = left.indexOf(canonical(one))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

const canonical = (value: Json): string =>
  JSON.stringify(value, (_, inner) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )

const isObject = (value: Json) => value !== null && typeof value === 'object' && !Array.isArray(value)

/** What kind of value it is: two texts that differ are one cause, whatever they say. */
function formOf(value: Json): string {
  if (value === undefined) return 'absent'
  if (value === null || value === '' || typeof value === 'boolean') return JSON.stringify(value)
  if (Array.isArray(value)) return value.length ? 'a list' : '[]'
  if (typeof value === 'object') return Object.keys(value).length ? 'an object' : '{}'
  return typeof value === 'number' ? (value === 0 ? '0' : 'a number') : 'a text'
}

function shown(value: Json): string {
  const text = value === undefined ? 'absent' : typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 600 ? `${text.slice(0, 600)}…` : text
}
