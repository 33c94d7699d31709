import type { WebHeaders, WebResponse } from '../base/web-server.ts'
import type { Headers } from './headers.ts'

/** Which pages of other origins a browser may let see the answers of a route. */
export interface Cors {
  /** `https://app.example`, `https://*.example:8443`, `https://*`, or `*` for all. */
  origins: readonly string[]
  /** Browsers may send cookies, and show the answer all the same. */
  credentials: boolean
  /** Beyond GET, HEAD and POST; `*`: all. */
  methods: readonly string[]
  /** Of requests; `*`: all. */
  headers: readonly string[]
  /** Of answers, that pages may read; `*`: all. */
  exposed: readonly string[]
  /** Seconds that a browser may remember it. */
  maxAge: number
}

/** A browser asks what it may send, before it sends it. */
export const isPreflight = (method: string, headers: WebHeaders): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined

/** What a browser is told that asks beforehand; nothing of it where the page may not. @see https://fetch.spec.whatwg.org/#http-cors-protocol */
export function preflightHeaders(cors: Cors, asked: WebHeaders): Headers {
  const origin = originHeaders(cors, asked.origin)
  if (!origin['access-control-allow-origin']) return origin
  const told = (allowed: readonly string[], wanted: string | undefined) => {
    // Beside credentials a browser takes the star for a name.
    if (allowed.includes('*') && cors.credentials) return wanted
    return allowed.join(', ') || undefined
  }
  const methods = told(cors.methods, asked['access-control-request-method'])
  const headers = told(cors.headers, asked['access-control-request-headers'])
  return {
    ...origin,
    ...(methods ? { 'access-control-allow-methods': methods } : {}),
    ...(headers ? { 'access-control-allow-headers': headers } : {}),
    'access-control-max-age': String(cors.maxAge),
  }
}

/** Says with whatever the answer will be who may see it, those of the gateway's own included. */
export function tellCors(response: WebResponse, cors: Cors, origin: string | undefined): void {
  for (const [name, value] of Object.entries(answerHeaders(cors, origin))) response.setHeader(name, value)
}

/** The route's word is the only one: what the backend says of it is dropped. */
export function replaceCors(headers: Headers, response: WebResponse): void {
  for (const name in headers) if (name.startsWith('access-control-')) delete headers[name]
  const vary = response.getHeader('vary')
  if (vary && headers['vary']) headers['vary'] = [headers['vary'], String(vary)].flat().join(', ')
}

function answerHeaders(cors: Cors, asked: string | undefined): Headers {
  const origin = originHeaders(cors, asked)
  if (!origin['access-control-allow-origin'] || !cors.exposed.length) return origin
  return { ...origin, 'access-control-expose-headers': cors.exposed.join(', ') }
}

function originHeaders({ origins, credentials }: Cors, asked: string | undefined): Headers {
  if (origins.includes('*') && !credentials) return { 'access-control-allow-origin': '*' }
  // What is kept for one origin must not be shown to another.
  const vary = { vary: 'Origin' }
  if (asked === undefined || !origins.some(allowed => matchesOrigin(allowed, asked))) return vary
  return {
    ...vary,
    'access-control-allow-origin': asked,
    ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}),
  }
}

const originForm = /^(https?):\/\/(.+?)(?::(\d+))?$/
const usualPort = { http: '80', https: '443' }

/** @param allowed as routes say it @param asked as browsers say it: a scheme, a host, and a port unless it is the usual one */
function matchesOrigin(allowed: string, asked: string): boolean {
  if (allowed === '*' || allowed === asked) return true
  const [ours, theirs] = [partsOf(allowed), partsOf(asked)]
  if (!ours || !theirs || ours.scheme !== theirs.scheme || ours.port !== theirs.port) return false
  if (!ours.host.startsWith('*')) return ours.host === theirs.host
  return theirs.host.length >= ours.host.length && theirs.host.endsWith(ours.host.slice(1))
}

function partsOf(origin: string) {
  const [, scheme, host, port] = originForm.exec(origin.toLowerCase()) ?? []
  if (!scheme || !host) return undefined
  return { scheme, host, port: port ?? usualPort[scheme as 'http' | 'https'] }
}
