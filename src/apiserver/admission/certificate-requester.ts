import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

/** Who asks for a certificate is what the server knows, not what the request says. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  handles: (resource, operation, subresource) =>
    isOf(resource, CertificateSigningRequest) && subresource === '' && operation === 'CREATE',
  mutate({ object, user }) {
    const spec = (object!['spec'] ??= {})
    spec.username = user.username
    spec.groups = user.groups
    if (user.uid) spec.uid = user.uid
    else delete spec.uid
    if (user.extra) spec.extra = user.extra
    else delete spec.extra
  },
}
