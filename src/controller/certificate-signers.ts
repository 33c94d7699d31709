import type { RequestedSubject } from '../base/certificates.ts'

/** The signers of Kubernetes that are carried out here, and what each of them signs. @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers */

export const clientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'
export const servingSigner = 'kubernetes.io/kubelet-serving'
export const generalSigner = 'kubernetes.io/kube-apiserver-client'

export const isOurs = (signerName: string): boolean => [clientSigner, servingSigner, generalSigner].includes(signerName)

/** Why a signer must not sign this, whoever approved it; undefined when it may. In Kubernetes' words. */
export function signerProblem(
  signerName: string,
  usages: readonly string[],
  wanted: RequestedSubject,
): string | undefined {
  if (signerName === generalSigner) return generalProblem(usages)
  if (wanted.organizations.join() !== 'system:nodes') return 'subject organization is not system:nodes'
  const names = signerName === clientSigner ? clientNamesProblem(wanted) : servingNamesProblem(wanted)
  if (names) return names
  if (!wanted.commonName.startsWith('system:node:')) return 'subject common name does not begin with system:node:'
  return usagesProblem(usages, signerName === clientSigner ? 'client auth' : 'server auth')
}

function generalProblem(usages: readonly string[]): string | undefined {
  const strange = usages.find(u => !['digital signature', 'key encipherment', 'client auth'].includes(u))
  if (strange !== undefined) return `invalid usage for client certificate: ${strange}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

function clientNamesProblem({ dnsNames, emails, ips, uris }: RequestedSubject): string | undefined {
  if (dnsNames.length) return 'DNS subjectAltNames are not allowed'
  if (emails.length) return 'Email subjectAltNames are not allowed'
  if (ips.length) return 'IP subjectAltNames are not allowed'
  return uris.length ? 'URI subjectAltNames are not allowed' : undefined
}

function servingNamesProblem({ dnsNames, emails, ips, uris }: RequestedSubject): string | undefined {
  if (!dnsNames.length && !ips.length) return 'DNS or IP subjectAltName is required'
  if (emails.length) return 'Email subjectAltNames are not allowed'
  return uris.length ? 'URI subjectAltNames are not allowed' : undefined
}

/** Exactly those of its purpose; keys that are not RSA need no encipherment. */
function usagesProblem(usages: readonly string[], purpose: string): string | undefined {
  const given = new Set(usages)
  given.delete('key encipherment')
  const exact = given.size === 2 && given.has('digital signature') && given.has(purpose)
  const all = [purpose, 'digital signature', 'key encipherment'].sort().join(' ')
  return exact ? undefined : `usages did not match [${all}]`
}
