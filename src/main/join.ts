import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { certificateCovers, isSameAuthority, type KeyPair, validityOf } from '../base/certificates.ts'
import { timeText } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { type Client, createClient, type HttpTransportOptions, httpTransport } from '../client/index.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { Node } from '../models/kinds/index.ts'
import { askCertificate } from './node-certificate.ts'
import { NodeKeys } from './node-keys.ts'
import type { OutsideWorld } from './outside.ts'

/** A node was not let in. */
export class JoinFailed extends OptiFlowError {}

/** As they lie in the folder. */
interface SavedKeys {
  ca: string
  /** CN system:node:NAME, O system:nodes. */
  client: KeyPair
  /** For the node's own server (logs, exec). */
  serving: KeyPair
}

export interface JoinOptions {
  server: string
  /** `id.secret@sha256:FINGERPRINT`, as `optiflow status` prints it; without the fingerprint the server is trusted at first sight. */
  token: string | undefined
  nodeName: string
  /** Addresses at which the API server reaches the node. */
  ips: string[]
  /** Where the keys are kept: a node joins once. */
  folder: string
  outside: OutsideWorld
  signal: AbortSignal
}

/** The token that `agent --token` takes: the secret, and the authority's fingerprint, so that nobody else can answer as the server. */
export function joinTokenText(secret: string, caPem: string): string {
  return `${secret}@sha256:${fingerprint(new X509Certificate(caPem).raw)}`
}

/**
 * The node's keys: those of an earlier join, or new ones that the control plane signs. A node whose own certificate still
 * holds asks for the rest as itself; any other needs the token.
 * @throws JoinFailed
 */
export async function joinCluster(options: JoinOptions): Promise<NodeKeys> {
  const saved = await withCurrentAuthority(options, await readSaved(options))
  const good = saved && holds(saved.client, [], options) ? saved : undefined
  if (good && holds(good.serving, options.ips, options)) return keysOf(options, good)
  const { server, token, nodeName } = options
  if (!good && !token)
    throw new JoinFailed(saved ? endedText(saved, nodeName) : `node ${nodeName} has no keys yet`, {
      hint: 'Pass --token; "optiflow status" on the server prints it.',
    })
  try {
    const ca = good?.ca ?? (await fetchAuthority(server, token!.split('@sha256:')[1]))
    const client = good?.client ?? (await asNewcomer(options, ca))
    // From here on the node speaks for itself: nobody else may ask for a certificate with its addresses.
    const serving = await asItself(options, ca, client, async asNode => {
      await announceAddresses(asNode, options)
      return askCertificate(asNode, { ...options, use: 'server' }, options.outside, options.signal)
    })
    await save(options, { ca, client, serving })
    return keysOf(options, { ca, client, serving })
  } catch (cause) {
    if (cause instanceof OptiFlowError && cause.hint) throw cause
    throw new JoinFailed(`node ${nodeName} could not join ${server}`, {
      cause,
      hint: 'Check --server and --token; "optiflow status" on the server prints both.',
    })
  }
}

function asNewcomer(options: JoinOptions, ca: string): Promise<KeyPair> {
  const token = options.token!.split('@sha256:')[0]!
  return asking(options, { ca, token }, client =>
    askCertificate(client, { ...options, use: 'client' }, options.outside, options.signal),
  )
}

const asItself = <T>(options: JoinOptions, ca: string, { cert, key }: KeyPair, ask: (asNode: Client) => Promise<T>) =>
  asking(options, { ca, cert, key }, ask)

async function asking<T>(
  { server }: JoinOptions,
  as: Pick<HttpTransportOptions, 'ca' | 'token' | 'cert' | 'key'>,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  await using transport = httpTransport({ server, userAgent: 'optiflow-agent', ...as })
  return await ask(createClient(transport))
}

/** Renewed ones are asked for as the node is known at that time, and kept for its next start. */
function keysOf(options: JoinOptions, { ca, client, serving }: SavedKeys): NodeKeys {
  const keys: NodeKeys = new NodeKeys(
    ca,
    { client, server: serving },
    {
      ask: (use, signal) =>
        asItself(options, keys.ca, keys.client, asNode =>
          askCertificate(asNode, { ...options, use }, options.outside, signal),
        ),
      authority: () => resignedAuthority(options.server, keys.ca),
      keep: (pairs, current) => save(options, { ca: current, client: pairs.client, serving: pairs.server }),
    },
  )
  return keys
}

/** Writes the node's addresses into the API: a serving certificate is only signed for addresses that the node is known by. */
async function announceAddresses(client: Client, { nodeName, ips }: JoinOptions): Promise<void> {
  const metadata = { name: nodeName, labels: { 'kubernetes.io/hostname': nodeName } }
  await client.create<Node>(Node, { metadata, spec: {} }).catch(error => {
    if (!isAlreadyExists(error)) throw error
  })
  const addresses = [...ips.map(address => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }]
  // A patch: the controllers have begun to write conditions of the new node.
  const body = { status: { addresses } }
  await client.patch(Node, { name: nodeName }, { type: 'strategic', body }, { subresource: 'status' })
}

/**
 * What was saved, with the authority as the server has it now when the one that was saved has ended: signed again by its
 * own key it is still the one that this node believed when it joined.
 */
async function withCurrentAuthority(
  options: JoinOptions,
  saved: SavedKeys | undefined,
): Promise<SavedKeys | undefined> {
  if (!saved || validityOf(saved.ca).untilMs > options.outside.clock.now()) return saved
  const ca = await resignedAuthority(options.server, saved.ca)
  if (!ca) return saved
  const current = { ...saved, ca }
  await save(options, current)
  return current
}

/** The authority that the server shows, if it is another with the name and the key of the one we know. @throws when it does not answer */
async function resignedAuthority(server: string, known: string): Promise<string | undefined> {
  const shown = await fetchAuthority(server, undefined)
  return isSameAuthority(known, shown) && known.trim() !== shown.trim() ? shown : undefined
}

const fileOf = ({ folder }: JoinOptions) => join(folder, 'node.json')

async function readSaved(options: JoinOptions): Promise<SavedKeys | undefined> {
  const { disk } = options.outside
  const path = fileOf(options)
  return (await disk.exists(path)) ? (JSON.parse(await disk.readText(path)) as SavedKeys) : undefined
}

async function save(options: JoinOptions, keys: SavedKeys): Promise<void> {
  const { disk } = options.outside
  await disk.makeFolder(options.folder, { mode: 0o700 })
  await disk.write(fileOf(options), JSON.stringify(keys), { mode: 0o600 })
}

/** Now, and for these addresses. */
const holds = ({ cert }: KeyPair, ips: string[], { outside }: JoinOptions): boolean =>
  certificateCovers(cert, { dnsNames: [], ips }, 0, outside.clock)

const endedText = ({ client }: SavedKeys, nodeName: string): string =>
  `the certificate of node ${nodeName} ended on ${timeText(validityOf(client.cert).untilMs)}`

/** The authority at the end of the chain that the server shows; compared with the token's fingerprint before anything is sent. */
function fetchAuthority(server: string, pin: string | undefined): Promise<string> {
  const { hostname, port } = new URL(server)
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(
        new JoinFailed(`no TLS connection to ${server}`, {
          cause,
          hint: 'Check the address, and that the server listens on more than 127.0.0.1 (--listen).',
        }),
      )
    const socket = connect(
      {
        host: hostname,
        port: Number(port || 443),
        rejectUnauthorized: false,
        ...(/^[\d.:]+$/.test(hostname) ? {} : { servername: hostname }),
      },
      () => {
        let last = socket.getPeerCertificate(true)
        while (last.issuerCertificate && last.issuerCertificate.fingerprint256 !== last.fingerprint256)
          last = last.issuerCertificate
        socket.end()
        const found = fingerprint(last.raw)
        if (pin && pin !== found)
          return reject(
            new JoinFailed(`${server} is not the server of this token: its authority is sha256:${found}`, {
              hint: 'Copy the token anew, or check the address.',
            }),
          )
        resolve(new X509Certificate(last.raw).toString())
      },
    )
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
    socket.on('error', failed)
  })
}

function fingerprint(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex')
}
