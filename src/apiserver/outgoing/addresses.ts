/**
 * Whether a pod's, endpoint's or node's own word may send the API server there: never to itself or to what only answers
 * the machine it runs on (loopback, link-local, unspecified, multicast), which includes clouds' metadata services.
 * @param ip as it is dialled, so that no name can be resolved to something else afterwards
 */
export function isProxyable(ip: string): boolean {
  const text = ip.toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (mapped) return isProxyable(mapped[1]!)
  if (text.includes(':'))
    return !(
      /^[0:]+$/.test(text) ||
      /^[0:]+:0*1$/.test(text) ||
      /^fe[89ab]/.test(text) ||
      text.startsWith('ff') ||
      text.startsWith('::ffff:')
    )
  const [first, second] = text.split('.').map(Number)
  return !(first === 127 || first === 0 || (first === 169 && second === 254) || first! >= 224)
}
