import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import { type AdmissionPlugin, forbidden, isOf } from './chain.ts'
import { mayForSigner } from './permission.ts'

/** Who approves a request needs `approve` on its signer besides the right to the sub-path. */
export const certificateApproval = (authorizer: AuthorizerChain): AdmissionPlugin => ({
  name: 'CertificateApproval',
  handles: (resource, operation, subresource) =>
    isOf(resource, CertificateSigningRequest) && subresource === 'approval' && operation === 'UPDATE',
  async validate(admission) {
    const signer: string = admission.previous!['spec'].signerName
    if (!(await mayForSigner(authorizer, admission.user, 'approve', signer)))
      throw forbidden(admission, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`)
  },
})
