import type { CertificateUse } from '../agent/index.ts'
import type { KeyPair } from '../base/certificates.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { createSigningRequest } from '../base/signing-request.ts'
import type { Client } from '../client/index.ts'
import { CertificateSigningRequest } from '../models/kinds/index.ts'

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
  clock: Clock,
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
  for (;;) {
    const now = await client.get(CertificateSigningRequest, { name: made.metadata.name })
    const refused = now.status?.conditions?.find(c => c.type === 'Denied' || c.type === 'Failed')
    if (refused) {
      const why = refused.message ?? refused.reason
      throw new CertificateRefused(`the ${use} certificate of node ${nodeName} was refused: ${why}`)
    }
    if (now.status?.certificate) return { cert: Buffer.from(now.status.certificate, 'base64').toString(), key }
    await sleep(clock, 200, signal)
  }
}
