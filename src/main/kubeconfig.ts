import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { isSameAuthority } from '../base/certificates.ts'
import type { Disk } from '../base/disk.ts'
import { codeOf, OptiFlowError } from '../base/errors.ts'

/** How to reach a cluster, as kubectl's file has it. PEM texts. */
export interface Connection {
  server: string
  ca?: string
  cert?: string
  key?: string
  token?: string
  insecure?: boolean
  namespace?: string
}

interface Named<V> {
  name: string
  [k: string]: V | string
}

interface KubeconfigFile {
  apiVersion: 'v1'
  kind: 'Config'
  preferences?: object
  clusters: Named<Record<string, any>>[]
  users: Named<Record<string, any>>[]
  contexts: Named<Record<string, any>>[]
  'current-context': string
}

/** The file cannot be used; it is left as it is. */
export class BadKubeconfig extends OptiFlowError {}

/** The files that kubectl would read, those first that win: all of $KUBECONFIG, else the one at home. Not each need be there. */
export function kubeconfigFiles(env: Record<string, string | undefined> = process.env): string[] {
  const given = (env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean)
  return given.length ? [...new Set(given)] : [join(homedir(), '.kube/config')]
}

/**
 * Into which of them kubectl would write `name`: where that is already, else into the first file that is there, else into
 * the last one.
 * @throws BadKubeconfig
 */
export async function kubeconfigToWrite(disk: Disk, paths: readonly string[], name: string): Promise<string> {
  const there: string[] = []
  for (const path of paths) {
    const file = await readFile(disk, path)
    if (!file) continue
    there.push(path)
    if ([file.clusters, file.users, file.contexts].some(list => list.some(one => one.name === name))) return path
  }
  return there[0] ?? paths.at(-1)!
}

/**
 * Writes cluster, user and context `name`, keeping all else in the file. The context becomes the current one only if
 * there was none. File mode 0600.
 * @param beside all files that are read together with this one
 * @returns whether the context is now the current one
 */
export async function mergeKubeconfig(
  disk: Disk,
  path: string,
  name: string,
  connection: Connection,
  beside: readonly string[] = [],
): Promise<boolean> {
  const file = (await readFile(disk, path)) ?? empty()
  const current = beside.includes(path)
    ? (await readMerged(disk, beside)).current || file['current-context']
    : file['current-context']
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  put(file.clusters, name, 'cluster', {
    server: connection.server,
    ...(connection.ca ? { 'certificate-authority-data': base64(connection.ca) } : {}),
  })
  put(file.users, name, 'user', {
    ...(connection.cert ? { 'client-certificate-data': base64(connection.cert) } : {}),
    ...(connection.key ? { 'client-key-data': base64(connection.key) } : {}),
    ...(connection.token ? { token: connection.token } : {}),
  })
  put(file.contexts, name, 'context', { cluster: name, user: name })
  if (!current) file['current-context'] = name
  await disk.write(path, stringify(file), { mode: 0o600 })
  return (current || name) === name
}

/**
 * Puts an authority that was signed again where the file has the one before it, in cluster `name` only.
 * @returns whether it did
 * @throws BadKubeconfig
 */
export async function replaceAuthority(disk: Disk, path: string, name: string, ca: string): Promise<boolean> {
  const file = await readFile(disk, path)
  const cluster = file?.clusters.find(one => one.name === name)?.['cluster'] as Record<string, string> | undefined
  const field = 'certificate-authority-data'
  const known = cluster?.[field]
  if (!file || !cluster || !known || !isSameAuthority(Buffer.from(known, 'base64').toString(), ca)) return false
  cluster[field] = Buffer.from(ca).toString('base64')
  await disk.write(path, stringify(file), { mode: 0o600 })
  return true
}

/** Takes cluster, user and context `name` out again; a file that then is empty goes. */
export async function removeFromKubeconfig(disk: Disk, path: string, name: string): Promise<void> {
  const file = await readFile(disk, path)
  if (!file) return
  for (const list of [file.clusters, file.users, file.contexts]) {
    const at = list.findIndex(e => e.name === name)
    if (at >= 0) list.splice(at, 1)
  }
  if (file['current-context'] === name) file['current-context'] = ''
  if (file.clusters.length + file.users.length + file.contexts.length === 0) await disk.remove(path)
  else await disk.write(path, stringify(file), { mode: 0o600 })
}

/**
 * Reads a connection from a kubeconfig, or from several as kubectl puts them together: the named context, else the current
 * one. Files that are named in one lie beside it.
 * @throws BadKubeconfig
 */
export async function readKubeconfig(
  disk: Disk,
  path: string | readonly string[],
  context?: string,
): Promise<Connection> {
  const paths = typeof path === 'string' ? [path] : path
  const where = paths.join(', ')
  const all = await readMerged(disk, paths)
  if (!all.found)
    throw new BadKubeconfig(`there is no kubeconfig at ${where}`, {
      hint: 'Start a cluster with "optiflow up", or name a file with --kubeconfig.',
    })
  const chosen = find(all.contexts, context ?? all.current, 'context', where).value
  const cluster = find(all.clusters, chosen['cluster'], 'cluster', where)
  const user = find(all.users, chosen['user'], 'user', where)
  const [ca, cert, key] = [
    await pemOf(disk, cluster, 'certificate-authority'),
    await pemOf(disk, user, 'client-certificate'),
    await pemOf(disk, user, 'client-key'),
  ]
  return {
    server: cluster.value['server'],
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(user.value['token'] ? { token: user.value['token'] } : {}),
    ...(cluster.value['insecure-skip-tls-verify'] ? { insecure: true } : {}),
    ...(chosen['namespace'] ? { namespace: chosen['namespace'] } : {}),
  }
}

/** Names of the contexts that these files have together. @throws BadKubeconfig */
export async function kubeconfigContexts(disk: Disk, paths: readonly string[]): Promise<string[]> {
  return [...(await readMerged(disk, paths)).contexts.keys()]
}

/** What a name means, and the file that says so. */
interface Origin {
  value: Record<string, any>
  path: string
}

interface Merged {
  found: boolean
  clusters: Map<string, Origin>
  users: Map<string, Origin>
  contexts: Map<string, Origin>
  current: string
}

/** Of each name the first file's; the current context of the first that has one. Files that are not there count for nothing. */
async function readMerged(disk: Disk, paths: readonly string[]): Promise<Merged> {
  const merged: Merged = { found: false, clusters: new Map(), users: new Map(), contexts: new Map(), current: '' }
  for (const path of paths) {
    const file = await readFile(disk, path)
    if (!file) continue
    merged.found = true
    merged.current ||= file['current-context']
    for (const [list, field] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const)
      for (const entry of file[list])
        if (!merged[list].has(entry.name))
          merged[list].set(entry.name, { value: (entry[field] as Record<string, any>) ?? {}, path })
  }
  return merged
}

async function pemOf(disk: Disk, { value, path }: Origin, field: string): Promise<string | undefined> {
  const data = value[`${field}-data`]
  if (data) return Buffer.from(data, 'base64').toString()
  return value[field] ? disk.readText(resolve(dirname(path), value[field])) : undefined
}

interface User {
  token?: string
  cert?: string
  key?: string
  username?: string
  password?: string
}

/**
 * All users of a kubeconfig by their names, and the one of the current context.
 * @throws BadKubeconfig also for users who log in by a program
 */
export async function readKubeconfigUsers(
  disk: Disk,
  path: string,
): Promise<{ users: Map<string, User>; current?: string }> {
  const file = await readFile(disk, path)
  if (!file) throw new BadKubeconfig(`there is no kubeconfig at ${path}`)
  const users = new Map<string, User>()
  for (const { name, user } of file.users) users.set(name, await readUser(disk, path, name, user))
  const context: any = file.contexts.find(one => one.name === file['current-context'])?.['context']
  return { users, ...(context?.user ? { current: context.user } : {}) }
}

async function readUser(disk: Disk, path: string, name: string, given: unknown): Promise<User> {
  const user = (given ?? {}) as Record<string, any>
  for (const way of ['exec', 'auth-provider'])
    if (user[way])
      throw new BadKubeconfig(
        `${path}: users: ${JSON.stringify(name)} has ${way}, by which this server does not log in`,
        {
          hint: 'Give a token or a client certificate.',
        },
      )
  const file = async (field: string) => {
    try {
      return await disk.readText(resolve(dirname(path), user[field]))
    } catch (cause) {
      throw new BadKubeconfig(`${path}: users: ${JSON.stringify(name)}: cannot read ${field} ${user[field]}`, { cause })
    }
  }
  const pem = async (field: string) =>
    user[`${field}-data`]
      ? Buffer.from(user[`${field}-data`], 'base64').toString()
      : user[field]
        ? await file(field)
        : undefined
  const token = user['token'] || (user['tokenFile'] ? (await file('tokenFile')).trim() : undefined)
  const [cert, key] = [await pem('client-certificate'), await pem('client-key')]
  return {
    ...(token ? { token } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(user['username'] ? { username: user['username'] } : {}),
    ...(user['password'] ? { password: user['password'] } : {}),
  }
}

function empty(): KubeconfigFile {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    clusters: [],
    users: [],
    contexts: [],
    'current-context': '',
  }
}

async function readFile(disk: Disk, path: string): Promise<KubeconfigFile | undefined> {
  let text: string
  try {
    text = await disk.readText(path)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new BadKubeconfig(`cannot read ${path}`, { cause })
  }
  let parsed: any
  try {
    parsed = parse(text, { version: '1.1', maxAliasCount: 10 })
  } catch (cause) {
    throw new BadKubeconfig(`${path} is not YAML`, { cause, hint: 'Mend or move the file; it was not changed.' })
  }
  if (parsed === null || parsed === undefined) return undefined
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new BadKubeconfig(`${path} is not a kubeconfig`, { hint: 'Mend or move the file; it was not changed.' })
  for (const list of ['clusters', 'users', 'contexts']) parsed[list] ??= []
  parsed['current-context'] ??= ''
  return parsed
}

function put(list: Named<any>[], name: string, field: string, value: object): void {
  const entry = { name, [field]: value }
  const at = list.findIndex(e => e.name === name)
  if (at >= 0) list[at] = entry
  else list.push(entry)
}

function find(known: Map<string, Origin>, name: unknown, field: string, where: string): Origin {
  const found = known.get(String(name))
  if (!found)
    throw new BadKubeconfig(`${where} has no ${field} ${JSON.stringify(name ?? '')}`, {
      hint: `It has: ${[...known.keys()].join(', ') || 'none'}.`,
    })
  return found
}
