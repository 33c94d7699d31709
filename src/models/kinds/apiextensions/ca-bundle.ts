import type { CustomResourceDefinition } from '../../types/apiextensions-v1.ts'

/** False if the authorities that a conversion webhook is believed by are given, and are no certificates. */
export function hasValidCaBundle({ spec }: Pick<CustomResourceDefinition, 'spec'>): boolean {
  const bundle = spec.conversion?.webhook?.clientConfig?.caBundle
  return !bundle || holdsCertificates(atob(bundle))
}

function holdsCertificates(pem: string): boolean {
  const blocks = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g)]
  return blocks.length > 0 && blocks.every(([, body]) => isSequence(body!.replace(/\s+/g, '')))
}

/** Whether something is one sequence in DER from its first byte to its last, as a certificate is. */
function isSequence(base64: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return false
  const der = atob(base64)
  const byte = der.charCodeAt(1)
  const digits = byte < 0x80 ? 0 : byte & 0x7f
  const length = digits ? [...der.slice(2, 2 + digits)].reduce((sum, c) => sum * 256 + c.charCodeAt(0), 0) : byte
  return der.charCodeAt(0) === 0x30 && digits <= 4 && der.length === 2 + digits + length
}
