import type { CertificateUse } from '../agent/index.ts'
import type { KeyPair } from '../base/certificates.ts'
import { sleep } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { createSigningRequest } from '../base/signing-request.ts'
import type { Client } from '../client/index.ts'
import { CertificateSigningRequest } from '../models/kinds/index.ts'
import type { OutsideWorld } from './outside.ts'

/** After so long somebody is told what is waited for. */
const longWaitMs = 30_000

/** The control plane does not sign what a node asked for. */
export class CertificateRefused extends OptiFlowError {}

export interface CertificateWish {
  use: CertificateUse
  nodeName: string
  /** Addresses at which the API server reaches the node; its server's certificate is for them. */
  ips: readonly string[]
}

/**
 * Has the control plane sign a certificate for a node, over a key made here, and waits for it.
 * @param client a newcomer's for a node's first, the node's own for all others
 * @throws CertificateRefused, ApiError, ServerUnreachable, the signal's reason
 */
export async function askCertificate(
  client: Client,
  { use, nodeName, ips }: CertificateWish,
  { clock, log }: Pick<OutsideWorld, 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<KeyPair> {
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] }
  const names = use === 'server' ? { dnsNames: [nodeName], ips: [...ips] } : {}
  const { request, key } = await createSigningRequest({ ...subject, ...names })
  const made = await client.create(CertificateSigningRequest, {
    metadata: { generateName: `node-${nodeName}-` },
    spec: {
      request: Buffer.from(request).toString('base64'),
      signerName: use === 'server' ? 'kubernetes.io/kubelet-serving' : 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'key encipherment', `${use} auth`],
    },
  } as any)
  const { name } = made.metadata
  const since = clock.monotonicMs()
  for (let told = false; ; ) {
    const now = await client.get(CertificateSigningRequest, { name })
    const refused = now.status?.conditions?.find(c => c.type === 'Denied' || c.type === 'Failed')
    if (refused) {
      const why = refused.message ?? refused.reason
      throw new CertificateRefused(`the ${use} certificate of node ${nodeName} was refused: ${why}`)
    }
    if (now.status?.certificate) return { cert: Buffer.from(now.status.certificate, 'base64').toString(), key }
    if (!told && clock.monotonicMs() - since >= longWaitMs) {
      told = true
      const what = now.status?.conditions?.some(c => c.type === 'Approved')
        ? 'the certificate that was approved is not signed yet: is its controller running?'
        : `nobody has approved the certificate yet: "kubectl certificate approve ${name}" does`
      log.warn({ request: name, node: nodeName, certificate: use }, what)
    }
    await sleep(clock, 200, signal)
  }
}
