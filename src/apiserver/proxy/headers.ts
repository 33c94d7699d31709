import type { HttpStream } from '../../base/net.ts'
import type { ApiReply, ApiRequest } from '../../models/rest.ts'
import { throughUs, type Ways } from './own-links.ts'

const hopByHop = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'host', 'content-length', 'expect', 'http2-settings'],
])

/** What says who asks is for us, not for whom we ask: a pod would get hold of its visitors' tokens. */
function isCredential(name: string): boolean {
  return name === 'authorization' || name.startsWith('impersonate-') || name.startsWith('x-remote-')
}

/** The client's headers as the backend gets them. */
export function forwardedHeaders(request: ApiRequest, bodyBytes: number | undefined): Record<string, string> {
  const out: Record<string, string> = {}
  const named = new Set((request.headers['connection'] ?? '').split(',').map(name => name.trim().toLowerCase()))
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !name.startsWith(':') && !hopByHop.has(name) && !isCredential(name) && !named.has(name))
      out[name] = withoutToken(name, value)
  if (bodyBytes !== undefined) out['content-length'] = String(bodyBytes)
  const { remoteAddress, headers, url } = request
  if (remoteAddress)
    out['x-forwarded-for'] = headers['x-forwarded-for']
      ? `${headers['x-forwarded-for']}, ${remoteAddress}`
      : remoteAddress
  const host = headers[':authority'] ?? headers['host']
  if (host) out['x-forwarded-host'] = host
  out['x-forwarded-uri'] = url.split('?', 1)[0]!
  out['x-forwarded-proto'] = 'https'
  return out
}

/** Browsers bring their token as a sub-protocol of WebSockets. */
function withoutToken(name: string, value: string): string {
  if (name !== 'sec-websocket-protocol') return value
  const kept = value
    .split(',')
    .map(p => p.trim())
    .filter(p => !p.startsWith('base64url.bearer.authorization.k8s.io.'))
  return kept.join(', ')
}

/** The backend's headers as the client gets them. */
export function returnedHeaders(headers: HttpStream['headers'], ways: Ways): ApiReply['headers'] {
  const out: ApiReply['headers'] = {}
  const dropped = new Set([...hopByHop].filter(name => name !== 'content-length'))
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !dropped.has(name)) out[name] = value
  if (typeof out['location'] === 'string') out['location'] = throughUs(out['location'], ways)
  return out
}
