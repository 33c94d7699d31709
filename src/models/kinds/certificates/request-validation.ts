import { sameMeaning } from '../../../base/equality.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../types/certificates-v1.ts'

const decisions = ['Approved', 'Denied'] as const
const settled = [...decisions, 'Failed']

export function validateRequest({ spec, status }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.request) errors.push(required('spec.request'))
  if (!spec.usages?.length) errors.push(required('spec.usages'))
  for (const [i, usage] of (spec.usages ?? []).entries())
    if (spec.usages!.indexOf(usage) !== i) errors.push(duplicate(`spec.usages[${i}]`, usage))
  errors.push(...checkSigner(spec.signerName))
  const seconds = spec.expirationSeconds
  if (seconds !== undefined && seconds < 600)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'),
    )
  return [...errors, ...checkConditions(status?.conditions ?? []), ...checkCertificate(status?.certificate)]
}

function checkSigner(name: string): FieldError[] {
  if (!name) return [required('spec.signerName')]
  if (name === 'kubernetes.io/legacy-unknown')
    return [invalid('spec.signerName', name, 'the legacy signerName is not allowed via this API version')]
  if (/^[^/]+\.[^/]+\/.+$/.test(name)) return []
  return [
    invalid('spec.signerName', name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
  ]
}

function checkConditions(conditions: CertificateSigningRequestCondition[]): FieldError[] {
  const seen = new Set<string>()
  return conditions.flatMap(({ type, status }, i) => {
    const at = `status.conditions[${i}]`
    const errors: FieldError[] = []
    if (!type) errors.push(required(`${at}.type`))
    const allowed = settled.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!status) errors.push(required(`${at}.status`))
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed))
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined
    if (other && seen.has(other))
      errors.push(invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type))
    seen.add(type)
    return errors
  })
}

function checkCertificate(base64: string | undefined): FieldError[] {
  if (!base64) return []
  const problem = certificateProblem(base64)
  return problem ? [invalid('status.certificate', '<certificate data>', problem)] : []
}

function certificateProblem(base64: string): string | undefined {
  let pem: string
  try {
    pem = atob(base64)
  } catch {
    return 'must contain at least one PEM block'
  }
  const types = [...pem.matchAll(/-----BEGIN ([^-]+)-----/g)].map(found => found[1])
  if (!types.length) return 'must contain at least one PEM block'
  return types.every(type => type === 'CERTIFICATE')
    ? undefined
    : `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(types.find(type => type !== 'CERTIFICATE'))}`
}

/** Decisions are made once, and only by way of `approval`; a certificate is written once, and only by way of `status`. */
export function validateRequestPart(
  part: string,
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
): FieldError[] {
  const at = 'status.conditions'
  const errors: FieldError[] = []
  const of = (request: CertificateSigningRequest, type: string) =>
    (request.status?.conditions ?? []).filter(condition => condition.type === type)
  for (const type of settled)
    if (of(next, type).length < of(previous, type).length)
      errors.push(forbidden(at, `updates may not remove a condition of type ${JSON.stringify(type)}`))
  if (part !== 'approval')
    for (const type of decisions) {
      const [now, before] = [of(next, type), of(previous, type)]
      if (now.length > before.length)
        errors.push(forbidden(at, `updates may not add a condition of type ${JSON.stringify(type)}`))
      else if (now.length === before.length && !sameMeaning(now, before))
        errors.push(forbidden(at, `updates may not modify a condition of type ${JSON.stringify(type)}`))
    }
  const [certificate, known] = [next.status?.certificate, previous.status?.certificate]
  if (known && certificate !== known)
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  return errors
}
