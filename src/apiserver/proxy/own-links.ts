import { bracketed } from '../../base/ip.ts'
import type { ProxyTarget } from './target.ts'

/** Where things are that the backend means when it names places of its own. */
export interface Ways {
  /** `/api/v1/namespaces/x/services/y/proxy` */
  base: string
  /** `host:port` by which the backend knows itself, and by which its visitor knows us. */
  hosts: ReadonlySet<string>
}

/** @param visited the Host of the request; a backend that was told of it may name it. */
export function waysTo(target: ProxyTarget, base: string, visited: string | undefined): Ways {
  const { host, port } = 'agent' in target ? target.agent : target
  const name = bracketed(host)
  const standard = !('agent' in target) && port === (target.scheme === 'https' ? 443 : 80)
  return { base, hosts: new Set([`${name}:${port}`, ...(standard ? [name] : []), ...(visited ? [visited] : [])]) }
}

/**
 * A link of the backend as it leads through us: to what it serves itself, named from its root on, it would lead into our own
 * paths. Links to elsewhere, and those that begin where the page is, stay.
 */
export function throughUs(link: string, { base, hosts }: Ways): string {
  const host = /^(?:https?:)?\/\/([^/?#]+)/i.exec(link)
  if (host && !hosts.has(host[1]!)) return link
  const path = host ? link.slice(host[0].length) : link
  if (!path.startsWith('/')) return link
  return path.startsWith(`${base}/`) ? path : `${base}${path}`
}
