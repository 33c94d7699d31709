import { canonicalIP, isIP } from '../../base/ip.ts'

/**
 * Whether a pod's, endpoint's or node's own word may send the API server there: never to itself or to what only answers
 * the machine it runs on (loopback, link-local, unspecified, multicast), which includes clouds' metadata services.
 * @param ip as it is dialled, so that no name can be resolved to something else afterwards: names are refused
 */
export function isProxyable(ip: string): boolean {
  if (!isIP(ip)) return false
  if (!ip.includes(':')) return isProxyableV4(ip)
  const text = canonicalIP(ip)
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(text)
  if (mapped) return isProxyableV4(dotted(mapped[1]!, mapped[2]!))
  return text !== '::' && text !== '::1' && !/^fe[89ab]/.test(text) && !text.startsWith('ff')
}

function isProxyableV4(ip: string): boolean {
  const [first, second] = ip.split('.').map(Number)
  return !(first === 127 || first === 0 || (first === 169 && second === 254) || first! >= 224)
}

/** `a00`, `1` → `10.0.0.1` */
function dotted(high: string, low: string): string {
  return [high, low].flatMap(half => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.')
}
