import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, forbidden } from './chain.ts'

/** Who asks for a certificate is written by the server, and nobody asks in the name of the masters. */
export const certificateRequests: AdmissionPlugin = {
  name: 'CertificateSubject',
  handles: (resource, operation, subresource) =>
    (resource.kind as unknown) === CertificateSigningRequest && subresource === '' && operation === 'CREATE',
  mutate({ object, user }) {
    const spec = (object!['spec'] ??= {})
    spec.username = user.username
    spec.groups = user.groups
    if (user.uid) spec.uid = user.uid
    else delete spec.uid
    if (user.extra) spec.extra = user.extra
    else delete spec.extra
  },
  validate(admission) {
    const spec = admission.object!['spec']
    if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') return
    const text = Buffer.from(String(spec.request ?? ''), 'base64').toString()
    const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    // The name is in the request as it is, whatever surrounds it.
    if (der.includes('system:masters'))
      throw forbidden(
        admission,
        'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
      )
  },
}
