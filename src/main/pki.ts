import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import {
  type CertificateRequest,
  certificateCovers,
  createAuthority,
  createTokenKey,
  isSameAuthority,
  issueCertificate,
  type KeyPair,
  resignAuthority,
  validityOf,
} from '../base/certificates.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'

/** Those that a running server uses, and replaces while it runs. */
export type ServerKey = 'server' | 'admin' | 'agentClient' | 'frontProxyClient'

/** Those that are taken over when their files change while a server runs. */
export type FollowedKey = 'ca' | 'frontProxyCa' | ServerKey

/** Told which pairs are others now. */
export type KeyFollower = (changed: readonly FollowedKey[]) => void

const files: Record<FollowedKey, string> = {
  ca: 'ca',
  frontProxyCa: 'front-proxy-ca',
  server: 'server',
  admin: 'admin',
  agentClient: 'agent-client',
  frontProxyClient: 'front-proxy-client',
}

/** Every key of the cluster. Files below `<dataDir>/pki`, private ones 0600; made when missing, renewed 30 days before their end, authorities a year before. */
export interface Pki {
  /** Signs servers, clients and nodes. */
  ca: KeyPair
  /** Signs only what may speak for others in X-Remote-* headers. */
  frontProxyCa: KeyPair
  frontProxyClient: KeyPair
  /** The API's own certificate. */
  server: KeyPair
  /** CN kubernetes-admin, O system:masters. An RSA key: Java's fabric8 client reads no other one without a library beside it. */
  admin: KeyPair
  /** What the API server shows to agents. */
  agentClient: KeyPair
  /** Makes another pair of these, which is `pki[name]` from then on. */
  renew(name: ServerKey): Promise<void>
  /**
   * Takes what the files have now, as somebody renewed or replaced them. What cannot be used is left as it was; all else is taken.
   * @throws DamagedKey
   */
  reload(): Promise<void>
  /** Tells of what `reload` took. @returns ends that */
  follow(follower: KeyFollower): () => void
  tokenKey: { privateKey: string; publicKey: string }
  /** Lets a node ask for its certificate: `optiflow agent --token`. */
  joinToken: string
  /**
   * A server certificate of our authority, kept beside the others: making one anew at each start would load the X.509
   * library (120 ms, 19 MB) for nothing.
   * @param name of its files
   */
  serving(name: string, request: Omit<CertificateRequest, 'usages'>, age?: KeyAge): Promise<KeyPair>
  /** The same for a client. */
  client(name: string, request: Omit<CertificateRequest, 'usages'>, age?: KeyAge): Promise<KeyPair>
}

/** `new`: another pair is made though there is one that holds. */
type KeyAge = 'any' | 'new'

export interface PkiOptions {
  folder: string
  disk: Disk
  clock: Clock
  random: Random
  /** Names and addresses by which clients reach the API. */
  serverNames: { dnsNames: string[]; ips: string[] }
}

/** Whom extension servers believe what we say of our users. */
export const frontProxyName = 'front-proxy-client'

const renewDays = 30

/** What is signed for a year shall not outlive the authority. */
export const authorityNoticeMs = 365 * 86_400_000

/** Below `pki/`: the authority that a server that runs still has, since it was signed again. Taken away when it has the new one. */
const renewedNote = 'renewed'

/** A file of a key or certificate has something else in it. */
export class DamagedKey extends OptiFlowError {}

/** Reads the keys, making and renewing what is needed. Without anything to make it touches no crypto library (a few ms). */
export async function loadPki(options: PkiOptions): Promise<Pki> {
  const { folder, disk, clock, random } = options
  await disk.makeFolder(folder, { mode: 0o700 })

  const authority = async (name: string): Promise<KeyPair> => {
    const pair = await readPair(disk, folder, name)
    if (!pair) return savePair(disk, folder, name, await createAuthority(`optiflow-${name}`, clock))
    const endsSoon = validityOf(pair.cert).untilMs - clock.now() < authorityNoticeMs
    // One that somebody else signed is renewed by them.
    return endsSoon && isSameAuthority(pair.cert, pair.cert) ? resign({ folder, disk, clock }, name, pair) : pair
  }

  const issued = async (
    name: string,
    by: 'ca' | 'frontProxyCa',
    request: CertificateRequest,
    age: KeyAge = 'any',
  ): Promise<KeyPair> => {
    const names = { dnsNames: request.dnsNames ?? [], ips: request.ips ?? [] }
    const old = age === 'new' ? undefined : await readPair(disk, folder, name)
    if (old && certificateCovers(old.cert, names, renewDays, clock)) return old
    return savePair(disk, folder, name, await issueCertificate(pki[by], request, clock))
  }

  async function text(name: string, make: () => Promise<string>): Promise<string> {
    const path = join(folder, name)
    if (await disk.exists(path)) return (await disk.readText(path)).trim()
    const made = await make()
    await disk.write(path, `${made}\n`, { mode: 0o600 })
    return made
  }

  await disk.remove(join(folder, renewedNote))
  const pki = { ca: await authority(files.ca), frontProxyCa: await authority(files.frontProxyCa) } as Pki
  const make: Record<ServerKey, (age?: KeyAge) => Promise<KeyPair>> = {
    server: age =>
      issued(files.server, 'ca', { commonName: 'optiflow', ...options.serverNames, usages: ['server'] }, age),
    admin: age =>
      issued(
        files.admin,
        'ca',
        { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'], rsa: true },
        age,
      ),
    agentClient: age =>
      issued(
        files.agentClient,
        'ca',
        {
          commonName: 'kube-apiserver-kubelet-client',
          organizations: ['system:masters'],
          usages: ['client'],
        },
        age,
      ),
    frontProxyClient: age =>
      issued(files.frontProxyClient, 'frontProxyCa', { commonName: frontProxyName, usages: ['client'] }, age),
  }
  const tokenKeyPair = async () => {
    let made: { privateKey: string; publicKey: string } | undefined
    const privateKey = await text('token.key', async () => (made = await createTokenKey()).privateKey)
    const publicKey = await text('token.pub', async () => (made ??= await createTokenKey()).publicKey)
    return { privateKey, publicKey }
  }
  // Beside each other: RSA keys are made in threads of their own.
  const [server, admin, agentClient, frontProxyClient, tokenKey] = await Promise.all([
    make.server(),
    make.admin(),
    make.agentClient(),
    make.frontProxyClient(),
    tokenKeyPair(),
  ])

  const joinToken = await text('join-token', async () => {
    const hex = Buffer.from(random.bytes(12)).toString('hex')
    return `${hex.slice(0, 6)}.${hex.slice(6, 22)}`
  })

  // One after the other: a pair that is being written looks like one whose key is another's.
  let busy: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>) => {
    const done = busy.then(work)
    busy = done.catch(() => {})
    return done
  }
  const followers = new Set<KeyFollower>()
  const own: Omit<Pki, 'ca' | 'frontProxyCa'> = {
    ...{ frontProxyClient, server, admin, agentClient, tokenKey, joinToken },
    serving: (name, request, age) => issued(name, 'ca', { ...request, usages: ['server'] }, age),
    client: (name, request, age) => issued(name, 'ca', { ...request, usages: ['client'] }, age),
    renew: name =>
      inTurn(async () => {
        pki[name] = await make[name]('new')
      }),
    reload: () =>
      inTurn(async () => {
        const { changed, faults } = await readChanged(disk, folder, pki)
        Object.assign(pki, changed)
        const names = Object.keys(changed) as FollowedKey[]
        if (names.length) for (const follow of followers) follow(names)
        if ('ca' in changed) await disk.remove(join(folder, renewedNote))
        if (faults.length) throw faults[0]
      }),
    follow(follower) {
      followers.add(follower)
      return () => void followers.delete(follower)
    },
  }
  return Object.assign(pki, own)
}

/** The pairs whose files have something else in them by now that can be used, and what is wrong with the others. */
async function readChanged(disk: Disk, folder: string, inUse: Pick<Pki, FollowedKey>) {
  const changed: Partial<Record<FollowedKey, KeyPair>> = {}
  const faults: unknown[] = []
  for (const [name, file] of Object.entries(files) as [FollowedKey, string][]) {
    try {
      const pair = await readPair(disk, folder, file)
      if (!pair || (pair.cert === inUse[name].cert && pair.key === inUse[name].key)) continue
      checkPair(join(folder, file), pair)
      changed[name] = pair
    } catch (error) {
      faults.push(error)
    }
  }
  return { changed, faults }
}

/** @throws DamagedKey */
function checkPair(path: string, { cert, key }: KeyPair): void {
  let fits: boolean
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch (cause) {
    throw new DamagedKey(`${path}.crt or ${path}.key cannot be read`, {
      cause,
      hint: 'Write both again, whole; until then the pair before stays in use.',
    })
  }
  if (!fits)
    throw new DamagedKey(`${path}.key is not the key of ${path}.crt`, {
      hint: 'Write both of one pair there; until then the pair before stays in use.',
    })
}

/** There is no authority to renew. */
export class NoAuthority extends OptiFlowError {}

/** Both, in the order in which they are made. */
export const authorities = ['ca', 'front-proxy-ca'] as const

export interface RenewedAuthority {
  name: (typeof authorities)[number]
  path: string
  cert: string
}

/**
 * Signs the cluster's authorities again with their own keys, for ten years from now, whether a server runs or not: all
 * that they signed stays good. A server that runs takes them over: `followKeys`.
 * @throws NoAuthority, DamagedKey
 */
export async function renewAuthorities(
  options: Pick<PkiOptions, 'folder' | 'disk' | 'clock'>,
): Promise<RenewedAuthority[]> {
  const { folder, disk } = options
  const pairs = await Promise.all(authorities.map(async name => ({ name, pair: await readPair(disk, folder, name) })))
  // All are looked at before one is changed.
  for (const { name, pair } of pairs) {
    const path = join(folder, `${name}.crt`)
    if (!pair)
      throw new NoAuthority(`there is no ${path}, or not its key`, {
        hint: 'Name the data folder of the server with --data-dir; its key must be in pki/.',
      })
    if (!isSameAuthority(pair.cert, pair.cert))
      throw new NoAuthority(`${path} is not signed by its own key`, { hint: 'Have it renewed by who has signed it.' })
  }
  // First: a server that runs takes it away when it has taken the authority.
  if (!(await disk.exists(join(folder, renewedNote)))) await disk.write(join(folder, renewedNote), pairs[0]!.pair!.cert)
  const renewed: RenewedAuthority[] = []
  for (const { name, pair } of pairs) {
    const { cert } = await resign(options, name, pair!)
    renewed.push({ name, path: join(folder, `${name}.crt`), cert })
  }
  return renewed
}

/** What a server that was started before the authorities were renewed still has as `ca`; undefined when it has the one there is. */
export const authorityBeforeRenewal = (disk: Disk, folder: string): Promise<string | undefined> =>
  disk.readText(join(folder, renewedNote)).catch(() => undefined)

async function resign(
  { folder, disk, clock }: Pick<PkiOptions, 'folder' | 'disk' | 'clock'>,
  name: string,
  pair: KeyPair,
): Promise<KeyPair> {
  const made = await resignAuthority(pair, clock).catch(cause => {
    throw new DamagedKey(`${join(folder, name)}.crt cannot be signed again by ${name}.key`, {
      cause,
      hint: 'Put both back from one backup of this folder.',
    })
  })
  await disk.write(join(folder, `${name}.crt`), made.cert)
  return made
}

async function readPair(disk: Disk, folder: string, name: string): Promise<KeyPair | undefined> {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  if (!(await disk.exists(cert)) || !(await disk.exists(key))) return undefined
  const pair = { cert: await disk.readText(cert), key: await disk.readText(key) }
  for (const [path, text, what] of [
    [cert, pair.cert, 'CERTIFICATE'],
    [key, pair.key, 'PRIVATE KEY'],
  ] as const)
    if (!new RegExp(`-----BEGIN [A-Z ]*${what}-----`).test(text))
      throw new DamagedKey(`${path} holds no ${what.toLowerCase()}`, {
        hint: name.endsWith('ca')
          ? 'Put it back from a backup of this folder: it is who the cluster is, and all that it signed ends without it.'
          : `Delete ${name}.crt and ${name}.key there: another pair is made at the next start.`,
      })
  return pair
}

async function savePair(disk: Disk, folder: string, name: string, pair: KeyPair): Promise<KeyPair> {
  await disk.write(join(folder, `${name}.key`), pair.key, { mode: 0o600 })
  await disk.write(join(folder, `${name}.crt`), pair.cert)
  return pair
}
