import { readSigningRequest } from '../../base/certificates.ts'
import { explain } from '../../base/errors.ts'
import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'

const signer = 'kubernetes.io/kube-apiserver-client'

/** Nobody asks for a certificate that makes him one of the masters. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (resource, operation, subresource) =>
    isOf(resource, CertificateSigningRequest) && subresource === '' && operation === 'CREATE',
  async validate(admission) {
    if (admission.object!['spec'].signerName !== signer) return
    const { organizations } = await requested(admission)
    if (organizations.includes('system:masters'))
      throw forbidden(admission, `use of ${signer} signer with system:masters group is not allowed`)
  },
}

async function requested(admission: Admission) {
  try {
    const pem = Buffer.from(String(admission.object!['spec'].request ?? ''), 'base64').toString()
    return await readSigningRequest(pem)
  } catch (error) {
    throw forbidden(admission, `failed to parse CSR: ${explain(error)}`)
  }
}
