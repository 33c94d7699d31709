import { join } from 'node:path'
import { type KeyPair, signRequest } from '../base/certificates.ts'
import type { CertificateSigner } from '../controller/index.ts'
import type { OutsideWorld } from './outside.ts'

const daySeconds = 86_400
/** Who asks for an hour must not get two. Kubernetes' own figure. */
const backdatedMs = 300_000

/** Signs what the control plane approved, with the cluster's authority. */
export function certificateSigner(ca: KeyPair, { clock }: Pick<OutsideWorld, 'clock'>): CertificateSigner {
  return {
    sign: (request, { usages, seconds }) =>
      signRequest(ca, request, { usages, days: seconds / daySeconds, backdatedMs }, clock),
  }
}

/** The authority's key pair if this machine has it; controllers elsewhere leave signing to those that do. */
export async function readAuthority(
  dataDir: string,
  { disk }: Pick<OutsideWorld, 'disk'>,
): Promise<KeyPair | undefined> {
  const [cert, key] = [join(dataDir, 'pki/ca.crt'), join(dataDir, 'pki/ca.key')]
  if (!(await disk.exists(cert)) || !(await disk.exists(key))) return undefined
  return { cert: await disk.readText(cert), key: await disk.readText(key) }
}
