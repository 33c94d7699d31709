import type { Headers } from './headers.ts'
import type { HeaderChange, Redirect, Rewrite } from './routing-table.ts'

/** What is asked for, before and after a rewrite. */
export interface Target {
  /** With a port if the client named one. */
  host: string
  /** Path and query. */
  url: string
}

const wellKnown = { http: 80, https: 443 }

/** Where a redirect leads. @param at how the client asked: the port is that of the listener */
export function redirectLocation(
  { host, url }: Target,
  redirect: Redirect,
  at: { secure: boolean; port: number },
): string {
  const asked = at.secure ? 'https' : 'http'
  const scheme = redirect.scheme ?? asked
  const port = redirect.port ?? (redirect.scheme ? wellKnown[scheme] : at.port)
  const target = rewritten({ host: nameOf(host), url }, redirect)
  return `${scheme}://${target.host}${port === wellKnown[scheme] ? '' : `:${port}`}${target.url}`
}

/** Another host name, another path; the query stays. */
export function rewritten({ host, url }: Target, { hostname, path }: Rewrite): Target {
  const cut = url.indexOf('?')
  const [from, query] = cut < 0 ? [url, ''] : [url.slice(0, cut), url.slice(cut)]
  return { host: hostname ?? host, url: (path ? changedPath(from, path) : from) + query }
}

/** A prefix is replaced with its whole elements: `/a/b` with `/a` → `/x` is `/x/b`, and `/a` is `/x`. */
function changedPath(from: string, path: NonNullable<Rewrite['path']>): string {
  if ('full' in path) return path.full.startsWith('/') ? path.full : `/${path.full}`
  const rest = from.slice(path.prefix.length)
  return `${path.by}${rest}` || '/'
}

/** Changes `headers`, whose names are lower case. */
export function changeHeaders(headers: Headers, ...changes: (HeaderChange | undefined)[]): void {
  for (const { set = {}, add = {}, remove = [] } of changes.filter(c => c !== undefined)) {
    Object.assign(headers, set)
    for (const [name, value] of Object.entries(add)) {
      const there = headers[name]
      headers[name] = there === undefined ? value : [there, value].flat()
    }
    for (const name of remove) delete headers[name]
  }
}

/** Without the port. */
export const nameOf = (host: string) => host.replace(/:\d+$/, '')
