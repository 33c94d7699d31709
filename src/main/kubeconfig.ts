import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
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

export const defaultKubeconfig = () => process.env['KUBECONFIG']?.split(':')[0] || join(homedir(), '.kube/config')

/**
 * Writes cluster, user and context `name`, keeping all else in the file. The context becomes the current one only if
 * there was none. File mode 0600.
 * @returns whether the context is now the current one
 */
export async function mergeKubeconfig(
  disk: Disk,
  path: string,
  name: string,
  connection: Connection,
): Promise<boolean> {
  const file = (await readFile(disk, path)) ?? empty()
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
  file['current-context'] ||= name
  await disk.write(path, stringify(file), { mode: 0o600 })
  return file['current-context'] === name
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
 * Reads a connection from a kubeconfig: the named context, else the current one.
 * @throws BadKubeconfig
 */
export async function readKubeconfig(disk: Disk, path: string, context?: string): Promise<Connection> {
  const file = await readFile(disk, path)
  if (!file)
    throw new BadKubeconfig(`there is no kubeconfig at ${path}`, {
      hint: 'Start a cluster with "optiflow up", or name a file with --kubeconfig.',
    })
  const name = context ?? file['current-context']
  const chosen = find(file.contexts, name, 'context', path)
  const cluster = find(file.clusters, chosen['cluster'], 'cluster', path)
  const user = find(file.users, chosen['user'], 'user', path)
  const pem = async (entry: Record<string, any>, field: string) =>
    entry[`${field}-data`]
      ? Buffer.from(entry[`${field}-data`], 'base64').toString()
      : entry[field]
        ? disk.readText(entry[field])
        : undefined
  const [ca, cert, key] = [
    await pem(cluster, 'certificate-authority'),
    await pem(user, 'client-certificate'),
    await pem(user, 'client-key'),
  ]
  return {
    server: cluster['server'],
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(user['token'] ? { token: user['token'] } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { insecure: true } : {}),
    ...(chosen['namespace'] ? { namespace: chosen['namespace'] } : {}),
  }
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

function find(list: Named<any>[], name: unknown, field: string, path: string): Record<string, any> {
  const entry = list.find(e => e.name === name)
  if (!entry)
    throw new BadKubeconfig(`${path} has no ${field} ${JSON.stringify(name ?? '')}`, {
      hint: `It has: ${list.map(e => e.name).join(', ') || 'none'}.`,
    })
  return (entry[field] as Record<string, any>) ?? {}
}
