import type { WebRequest } from '../base/web-server.ts'
import { plainPath } from './plain-path.ts'

/** Where a request came in: the port as listeners name it, and as it really is. */
export interface Entrance {
  port: number
  realPort: number
  secure: boolean
}

/** A request, and what is known of it before anything is decided. */
export interface Asked {
  request: WebRequest
  method: string
  host: string
  /** Path and query; the path has no steps that lead back. */
  url: string
  at: Entrance
  clientIp: string
}

/** Undefined: it does not say what it wants. */
export function askedOf(request: WebRequest, at: Entrance): Asked | undefined {
  const host = (request.headers as Record<string, string | undefined>)[':authority'] ?? request.headers.host
  const { url = '/', method = 'GET' } = request
  if (!host || !url.startsWith('/')) return undefined
  return {
    request,
    method,
    host,
    url: plainPath(url),
    at,
    clientIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
  }
}

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Over HTTP/2 a body needs no header that says so. */
export function hasBody({ headers, httpVersionMajor, method }: WebRequest): boolean {
  if (headers['content-length'] !== undefined) return headers['content-length'] !== '0'
  return headers['transfer-encoding'] !== undefined || (httpVersionMajor === 2 && !repeatable.has(method!))
}

/** Done twice it is as done once. */
export const isRepeatable = ({ request, method }: Asked) => repeatable.has(method) && !hasBody(request)

export const pathOf = (url: string) => url.split('?', 1)[0]!
