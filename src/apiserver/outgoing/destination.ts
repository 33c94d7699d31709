import { posix } from 'node:path'

/**
 * Where a server that we call is: the clientConfig of a webhook, of a conversion, or the service of an APIService. Either
 * `url` or `service`.
 */
export interface Destination {
  /** https only. */
  url?: string | undefined
  service?: ServiceReference | undefined
  /** Base64 of the PEM authorities that its certificate must come from; the system's own if there is none. */
  caBundle?: string | undefined
  /** Believe any certificate. */
  insecure?: boolean
}

export interface ServiceReference {
  namespace: string
  name: string
  /** 443 unless given. */
  port?: number | undefined
  /** `/` unless given. */
  path?: string | undefined
}

/** `https://web.default.svc:443/path`; for messages as well. `path` overrides the destination's own. */
export function destinationUrl({ url, service }: Destination, path?: string): string {
  if (service)
    return `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${path ?? cleanPath(service.path ?? '/')}`
  const parsed = new URL(url!)
  if (path !== undefined) return `${parsed.origin}${path}`
  parsed.pathname = cleanPath(parsed.pathname)
  return String(parsed)
}

/** Host and port that are called: `web.default.svc:443`. */
export function destinationTarget(destination: Destination): string {
  const { service } = destination
  if (service) return `${service.name}.${service.namespace}.svc:${service.port ?? 443}`
  const { host, port } = new URL(destination.url!)
  return port ? host : `${host}:443`
}

/** Without double and trailing slashes, as Go's clients send it: their servers answer others with a redirect. */
function cleanPath(path: string): string {
  return posix.normalize(`/${path}`).replace(/(?<=.)\/$/, '')
}

/** The authorities as PEM, decoded once each. */
export function authorities(destination: Destination): string | undefined {
  const { caBundle } = destination
  if (!caBundle) return undefined
  let pem = decoded.get(caBundle)
  if (pem === undefined) {
    if (decoded.size >= 200) decoded.clear()
    decoded.set(caBundle, (pem = Buffer.from(caBundle, 'base64').toString()))
  }
  return pem
}

const decoded = new Map<string, string>()
