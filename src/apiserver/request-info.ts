import { badRequest } from '../models/api-error.ts'

/** What a path asks for. Every segment is decoded; names are not yet checked. */
export interface RequestInfo {
  path: string
  query: URLSearchParams
  /** Undefined for paths that are not of a resource, such as /healthz. */
  resource?: ResourcePath
}

export interface ResourcePath {
  group: string
  version: string
  plural: string
  namespace?: string
  name?: string
  subresource?: string
  /** After the subresource, for proxies: `a/b`; undefined when there is none, '' for a trailing slash. */
  rest?: string
  /** The legacy /watch/ prefix. */
  legacyWatch: boolean
}

const noQuery = new URLSearchParams()

/** @throws ApiError BadRequest for segments that cannot be decoded or are dangerous. */
export function parseRequest(url: string): RequestInfo {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 || mark === url.length - 1 ? noQuery : new URLSearchParams(url.slice(mark + 1))
  const segments = path.split('/')
  const root = segments[1]
  if (root !== 'api' && root !== 'apis') {
    if (path.includes('%')) for (const segment of segments) decoded(segment)
    return { path, query }
  }
  const grouped = root === 'apis'
  if (segments.length < (grouped ? 5 : 4) || segments[grouped ? 4 : 3] === '') return { path, query }
  return { path, query, resource: resourcePath(segments, grouped) }
}

function resourcePath(raw: string[], grouped: boolean): ResourcePath {
  const segments = raw.slice(grouped ? 4 : 3).map(decodeSegment)
  const out: ResourcePath = {
    group: grouped ? decodeSegment(raw[2]!) : '',
    version: decodeSegment(raw[grouped ? 3 : 2]!),
    plural: '',
    legacyWatch: false,
  }
  let at = 0
  if (segments[0] === 'watch' && segments.length > 1) {
    out.legacyWatch = true
    at = 1
  }
  if (segments[at] === 'namespaces' && segments.length > at + 1 && segments[at + 1] !== '') {
    const below = segments[at + 2]
    if (
      below === undefined ||
      (below === '' && segments.length === at + 3) ||
      below === 'status' ||
      below === 'finalize'
    ) {
      out.plural = 'namespaces'
      out.namespace = segments[at + 1]!
      out.name = segments[at + 1]!
      if (below) out.subresource = below
      return out
    }
    out.namespace = segments[at + 1]!
    at += 2
  }
  out.plural = segments[at]!
  if (segments[at + 1]) out.name = segments[at + 1]!
  if (segments[at + 2]) out.subresource = segments[at + 2]!
  if (segments.length > at + 3) out.rest = raw.slice((grouped ? 4 : 3) + at + 3).join('/')
  return out
}

function decodeSegment(segment: string): string {
  return check(segment.includes('%') ? decoded(segment) : segment)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw badRequest(`the path segment ${JSON.stringify(segment)} is not URL-encoded`)
  }
}

/** No segment may climb out of its place in the store's keys. */
function check(segment: string): string {
  if (segment === '.' || segment === '..' || segment.includes('/') || segment.includes('\0'))
    throw badRequest(`invalid path segment ${JSON.stringify(segment)}`)
  return segment
}
