import type { Secret } from '../../models/types/core-v1.ts'
import { fullName } from '../../runtime/image-reference.ts'
import type { PullOptions } from '../../runtime/runtime.ts'

export type Credentials = NonNullable<PullOptions['credentials']>

/** As Docker's configuration and its like have it, under the registry or the images that it is for. */
export interface Entry {
  username?: string
  password?: string
  auth?: string
  identitytoken?: string
  registrytoken?: string
}

/**
 * The credentials of pull secrets that fit an image, the most specific first.
 * Secrets of type kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg count; what cannot be read is skipped.
 */
export function credentialsFor(image: string, secrets: readonly Secret[]): Credentials[] {
  return credentialsAmong(image, secrets.flatMap(entriesOf))
}

/** Of entries by what they are for: those that fit an image, the most specific first. */
export function credentialsAmong(image: string, entries: readonly (readonly [string, Entry])[]): Credentials[] {
  const found: { length: number; credentials: Credentials }[] = []
  for (const [registry, entry] of entries) {
    const credentials = read(entry)
    const pattern = plain(registry)
    if (credentials && matches(pattern, image)) found.push({ length: pattern.length, credentials })
  }
  return found.sort((a, b) => b.length - a.length).map(f => f.credentials)
}

/** `*.example.com/team` */
export const fitsImage = (pattern: string, image: string): boolean => matches(plain(pattern), image)

const plain = (registry: string) => registry.replace(/^https?:\/\//, '').replace(/\/(v[12])?\/?$/, '')

function entriesOf(secret: Secret): [string, Entry][] {
  const parse = (key: string) => {
    const base64 = secret.data?.[key]
    if (!base64) return undefined
    try {
      return JSON.parse(Buffer.from(base64, 'base64').toString()) as Record<string, any>
    } catch {
      return undefined
    }
  }
  return Object.entries((parse('.dockerconfigjson')?.['auths'] ?? parse('.dockercfg') ?? {}) as Record<string, Entry>)
}

function read(entry: Entry): Credentials | undefined {
  if (entry.registrytoken) return { registryToken: entry.registrytoken }
  if (entry.username && entry.password !== undefined) return { username: entry.username, password: entry.password }
  if (!entry.auth) return undefined
  const text = Buffer.from(entry.auth, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** `*.example.com` matches one label; a path must be a prefix of the image's. */
function matches(pattern: string, image: string): boolean {
  const [patternHost, patternPath] = hostAndPath(pattern)
  const [host, path] = hostAndPath(fullName(image))
  const wanted = dockerHub.has(patternHost) ? 'docker.io' : patternHost
  const a = wanted.split('.')
  const b = host.split('.')
  if (a.length !== b.length || !a.every((label, i) => matchesLabel(label, b[i]!))) return false
  return (
    !patternPath || path === patternPath || path.startsWith(`${patternPath}/`) || path.startsWith(`${patternPath}:`)
  )
}

const dockerHub = new Set(['index.docker.io', 'docker.io', 'registry-1.docker.io'])

function matchesLabel(pattern: string, label: string): boolean {
  if (!pattern.includes('*')) return pattern === label
  const parts = pattern.split('*').map(p => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^.]*')}$`).test(label)
}

function hostAndPath(name: string): [string, string] {
  const slash = name.indexOf('/')
  return slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1).replace(/\/$/, '')]
}
