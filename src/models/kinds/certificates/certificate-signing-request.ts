import { isPathSegmentName } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as certificates from '../../types/certificates-v1.ts'
import { age, durationText, text } from '../columns.ts'

export type CertificateSigningRequest = certificates.CertificateSigningRequest

function condition({ status }: certificates.CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some(c => c.type === type)
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return verdict + (has('Failed') ? ',Failed' : '') + (status?.certificate ? ',Issued' : '')
}

function validateRequest({ spec }: certificates.CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.request) errors.push(required('spec.request'))
  if (!spec.usages?.length) errors.push(required('spec.usages'))
  for (const [i, usage] of (spec.usages ?? []).entries())
    if (spec.usages!.indexOf(usage) !== i) errors.push(duplicate(`spec.usages[${i}]`, usage))
  if (!spec.signerName) errors.push(required('spec.signerName'))
  else if (!/^[^/]+\.[^/]+\/.+$/.test(spec.signerName))
    errors.push(
      invalid(
        'spec.signerName',
        spec.signerName,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'",
      ),
    )
  const seconds = spec.expirationSeconds
  if (seconds !== undefined && seconds < 600)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'),
    )
  return errors
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
  // What was signed for is what was asked for.
  prepareUpdate: (next, previous) => {
    next.spec = previous.spec
  },
  validName: isPathSegmentName,
  validate: validateRequest,
})
