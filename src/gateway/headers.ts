import type { WebHeaders } from '../base/web-server.ts'

/** Of one connection only; never passed on. @see RFC 9110, section 7.6.1 */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/** By these, too, programs believe who asks, and where: proxies that come before us do not say them. */
const ofOtherProxies = [
  'forwarded',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-scheme',
]

export type Headers = Record<string, string | string[]>

/** What goes to a backend: the client's headers without those of its connection, and who the client is. */
export function forwardedHeaders(
  sent: WebHeaders,
  about: { host: string; clientIp: string; secure: boolean },
): Headers {
  const out = endToEnd(sent)
  out['host'] = about.host
  // From the outside nobody may say who he is.
  for (const name of ofOtherProxies) delete out[name]
  out['x-forwarded-for'] = about.clientIp
  out['x-real-ip'] = about.clientIp
  out['x-forwarded-host'] = about.host
  out['x-forwarded-proto'] = about.secure ? 'https' : 'http'
  return out
}

/** Headers that are meant for the other end. */
export function endToEnd(headers: WebHeaders): Headers {
  const named = namedBy(headers.connection)
  const out: Headers = {}
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || name.startsWith(':') || hopByHop.has(name) || named?.includes(name)) continue
    out[name] = value
  }
  return out
}

/** Headers that a `connection` names as its own; mostly there are none. */
function namedBy(connection: string | undefined): string[] | undefined {
  if (!connection || connection === 'keep-alive' || connection === 'close') return undefined
  return connection
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
}
