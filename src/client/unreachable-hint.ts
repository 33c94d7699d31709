import { codeOf } from '../base/errors.ts'

/** What to do when no connection came about: by what stood in its way, else whether anybody is there. Pure. */
export function unreachableHint(server: string, cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const hint = hintFor(codeOf(error) ?? '', server)
    if (hint) return hint
  }
  if (server.startsWith('http://')) return `A server with certificates is at ${server.replace('http:', 'https:')}.`
  return `Check that the server is running and that ${server} is its address ("optiflow status").`
}

function hintFor(code: string, server: string): string | undefined {
  if (code === 'ERR_INVALID_URL' || code === 'UND_ERR_INVALID_ARG')
    return `Write the whole address, such as https://${server.replace(/^[a-z]+:\/+/, '')}.`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return 'Compare the clocks of both machines; the server renews its certificate when it starts.'
  if (unknownAuthority.has(code))
    return 'The kubeconfig has the authority of another cluster: have this one\'s from its server ("optiflow status" names it).'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The server's certificate has other names: use one of them, or have the server listen on this one (--listen).`
  if (code.startsWith('ERR_OSSL_'))
    return "The kubeconfig's certificate or key is damaged: have another from the server."
  return undefined
}

const unknownAuthority = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
])
