import { sameMeaning } from '../../base/equality.ts'
import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import { type AdmissionPlugin, forbidden, isOf } from './chain.ts'
import { mayForSigner } from './permission.ts'

/** Who puts a certificate or a condition into a request's status needs `sign` on its signer. */
export const certificateSigning = (authorizer: AuthorizerChain): AdmissionPlugin => ({
  name: 'CertificateSigning',
  handles: (resource, operation, subresource) =>
    isOf(resource, CertificateSigningRequest) && subresource === 'status' && operation === 'UPDATE',
  async validate(admission) {
    const [next, before] = [admission.object!['status'] ?? {}, admission.previous!['status'] ?? {}]
    if (next.certificate === before.certificate && sameMeaning(next.conditions, before.conditions)) return
    const signer: string = admission.previous!['spec'].signerName
    if (!(await mayForSigner(authorizer, admission.user, 'sign', signer)))
      throw forbidden(admission, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`)
  },
})
