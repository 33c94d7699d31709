import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { certificateCovers, type KeyPair } from '../base/certificates.ts'
import { sleep } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { createSigningRequest } from '../base/signing-request.ts'
import { type Client, createClient, httpTransport } from '../client/index.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { CertificateSigningRequest, Node } from '../models/kinds/index.ts'
import type { OutsideWorld } from './outside.ts'

/** A node was not let in. */
export class JoinFailed extends OptiFlowError {}

/** What a node needs to take part. */
export interface NodeCredentials {
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

const renewDays = 30

/** The token that `agent --token` takes: the secret, and the authority's fingerprint, so that nobody else can answer as the server. */
export function joinTokenText(secret: string, caPem: string): string {
  return `${secret}@sha256:${fingerprint(new X509Certificate(caPem).raw)}`
}

/**
 * The node's keys: those of an earlier join, or new ones asked for with the token and signed by the control plane.
 * @throws JoinFailed
 */
export async function joinCluster(options: JoinOptions): Promise<NodeCredentials> {
  const { folder, outside } = options
  const saved = await readSaved(options)
  if (saved) return saved
  if (!options.token)
    throw new JoinFailed(`node ${options.nodeName} has no keys yet`, {
      hint: 'Pass --token; "optiflow status" on the server prints it.',
    })
  const [secret, pin] = options.token.split('@sha256:') as [string, string | undefined]
  const ca = await fetchAuthority(options.server, pin)
  const name = `system:node:${options.nodeName}`
  const transports = [httpTransport({ server: options.server, ca, token: secret, userAgent: 'optiflow-agent' })]
  try {
    const client = await askCertificate(options, createClient(transports[0]!), {
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'key encipherment', 'client auth'],
      subject: { commonName: name, organizations: ['system:nodes'] },
    })
    // From here on the node speaks for itself: nobody else may ask for a certificate with its addresses.
    transports.push(httpTransport({ server: options.server, ca, ...client, userAgent: 'optiflow-agent' }))
    const asNode = createClient(transports[1]!)
    await announceAddresses(asNode, options)
    const serving = await askCertificate(options, asNode, {
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'key encipherment', 'server auth'],
      subject: {
        commonName: name,
        organizations: ['system:nodes'],
        dnsNames: [options.nodeName],
        ips: options.ips,
      },
    })
    const credentials: NodeCredentials = { ca, client, serving }
    await outside.disk.makeFolder(folder, { mode: 0o700 })
    await outside.disk.write(join(folder, 'node.json'), JSON.stringify(credentials), { mode: 0o600 })
    return credentials
  } catch (cause) {
    if (cause instanceof OptiFlowError && cause.hint) throw cause
    throw new JoinFailed(`node ${options.nodeName} could not join ${options.server}`, {
      cause,
      hint: 'Check --server and --token; "optiflow status" on the server prints both.',
    })
  } finally {
    for (const transport of transports) await transport[Symbol.asyncDispose]()
  }
}

interface CertificateWish {
  signerName: string
  usages: string[]
  subject: { commonName: string; organizations: string[]; dnsNames?: string[]; ips?: string[] }
}

/** Asks the control plane for a certificate over a key made here, and waits for it. @throws JoinFailed when refused */
async function askCertificate(
  { nodeName, outside, signal }: JoinOptions,
  client: Client,
  { signerName, usages, subject }: CertificateWish,
): Promise<KeyPair> {
  const { request, key } = await createSigningRequest(subject)
  const made = await client.create(CertificateSigningRequest, {
    metadata: { generateName: `node-${nodeName}-` },
    spec: { request: Buffer.from(request).toString('base64'), signerName, usages },
  } as any)
  for (;;) {
    const now = await client.get(CertificateSigningRequest, { name: made.metadata.name })
    const refused = now.status?.conditions?.find(c => c.type === 'Denied' || c.type === 'Failed')
    if (refused)
      throw new JoinFailed(`the certificate of node ${nodeName} was refused: ${refused.message ?? refused.reason}`)
    if (now.status?.certificate) return { cert: Buffer.from(now.status.certificate, 'base64').toString(), key }
    await sleep(outside.clock, 200, signal)
  }
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

async function readSaved(options: JoinOptions): Promise<NodeCredentials | undefined> {
  const { disk, clock } = options.outside
  const path = join(options.folder, 'node.json')
  if (!(await disk.exists(path))) return undefined
  const saved = JSON.parse(await disk.readText(path)) as NodeCredentials
  const fresh = certificateCovers(saved.client.cert, { dnsNames: [], ips: [] }, renewDays, clock)
  return fresh && certificateCovers(saved.serving.cert, { dnsNames: [], ips: options.ips }, renewDays, clock)
    ? saved
    : undefined
}

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
