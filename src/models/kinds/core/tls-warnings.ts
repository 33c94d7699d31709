// What Go says of a certificate and its key that are no PEM: whoever made the Secret has mistaken the files, or their order.

const block = /^-----BEGIN ([^-\n]+)-----\r?\n[\s\S]*?^-----END \1-----/gm

/**
 * Warnings about a Secret of TLS: nothing to refuse, but nobody can serve with it.
 * @param data base64
 */
export function tlsWarnings(data: Readonly<Record<string, string>> = {}): string[] {
  const problem = certificateProblem(typesIn(data['tls.crt'])) ?? keyProblem(typesIn(data['tls.key']))
  return problem === undefined ? [] : [`tls: ${problem}`]
}

function typesIn(base64 = ''): string[] {
  let text = ''
  try {
    text = atob(base64)
  } catch {
    // Refused elsewhere.
  }
  return [...text.matchAll(block)].map(match => match[1]!)
}

const isKey = (type: string) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY')

function certificateProblem(types: readonly string[]): string | undefined {
  if (types.includes('CERTIFICATE')) return undefined
  if (!types.length) return 'failed to find any PEM data in certificate input'
  if (types.length === 1 && types[0]!.endsWith('PRIVATE KEY'))
    return 'failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
  return `failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${types.join(' ')}]`
}

function keyProblem(types: readonly string[]): string | undefined {
  if (types.some(isKey)) return undefined
  if (!types.length) return 'failed to find any PEM data in key input'
  if (types.length === 1 && types[0] === 'CERTIFICATE')
    return 'found a certificate rather than a key in the PEM for the private key'
  return `failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${types.join(' ')}]`
}
