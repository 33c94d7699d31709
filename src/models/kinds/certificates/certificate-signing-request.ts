import { isPathSegmentName } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as certificates from '../../types/certificates-v1.ts'
import { age, durationText, text } from '../columns.ts'
import { validateRequest, validateRequestPart } from './request-validation.ts'

export type CertificateSigningRequest = certificates.CertificateSigningRequest

function condition({ status }: certificates.CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some(c => c.type === type)
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return verdict + (has('Failed') ? ',Failed' : '') + (status?.certificate ? ',Issued' : '')
}

export const CertificateSigningRequest = defineKind<certificates.CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  scope: 'Cluster',
  schema: 'certificates/v1.CertificateSigningRequest',
  subresources: ['status', 'approval'],
  noGeneration: true,
  unconditionalUpdate: true,
  fields: { 'spec.signerName': request => request.spec.signerName },
  columns: [
    age,
    text('SignerName', r => r.spec.signerName || '<none>'),
    text('Requestor', r => r.spec.username ?? ''),
    text('RequestedDuration', r =>
      r.spec.expirationSeconds === undefined ? '<none>' : durationText(r.spec.expirationSeconds * 1000),
    ),
    text('Condition', condition),
  ],
  ownAge: true,
  specIsNobodys: true,
  // What was signed for is what was asked for.
  prepareUpdate: (next, previous) => {
    next.spec = previous.spec
  },
  validName: isPathSegmentName,
  validate: validateRequest,
  validatePart: validateRequestPart,
})
