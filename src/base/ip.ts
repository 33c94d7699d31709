/**
 * True for `10.1.2.3`, and for `010.001.02.3`, which is the same: leading zeros mean nothing, as in Kubernetes. Others read them as
 * octal, so what leaves us is written by `plainAddress`. @see https://nvd.nist.gov/vuln/detail/CVE-2021-29923
 */
export function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every(part => /^\d+$/.test(part) && Number(part) <= 255)
}

/** An address or block without leading zeros in its decimals: `010.0.0.07/08` → `10.0.0.7/8`. */
export const plainAddress = (text: string): string =>
  // Of what is written nearly nothing has any.
  /(?:^|[.:/])0\d/.test(text) ? text.replace(/(^|[.:/])0+(?=\d+(?:[./]|$))/g, '$1') : text

/** True for `2001:db8::1` and `::ffff:10.1.2.3`; no zones. */
export function isIPv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.map(half => (half === '' ? [] : half.split(':')))
  const all = groups.flat()
  const last = all.at(-1) ?? ''
  const embedded = last.includes('.')
  if (embedded && (!isIPv4(last) || text.endsWith('::'))) return false
  const hex = embedded ? all.slice(0, -1) : all
  if (!hex.every(group => /^[0-9a-fA-F]{1,4}$/.test(group))) return false
  const count = hex.length + (embedded ? 2 : 0)
  return halves.length === 2 ? count < 8 : count === 8
}

export const isIP = (text: string): boolean => isIPv4(text) || isIPv6(text)

/** True for `10.0.0.0/8` and `fd00::/64`. */
export function isCIDR(text: string): boolean {
  const [address = '', bits, rest] = text.split('/')
  if (bits === undefined || rest !== undefined || !/^\d+$/.test(bits)) return false
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128)
}

/** Whether an address is one of a block; never across the two families. Both must be valid. */
export function cidrContains(cidr: string, address: string): boolean {
  const [network, bits] = cidr.split('/') as [string, string]
  const wide = network.includes(':')
  if (wide !== address.includes(':')) return false
  const rest = BigInt((wide ? 128 : 32) - Number(bits))
  return addressBits(network) >> rest === addressBits(address) >> rest
}

/** Whether two blocks have an address in common; never across the two families. Both must be valid. */
export function cidrsOverlap(a: string, b: string): boolean {
  return prefixLength(a) <= prefixLength(b) ? cidrContains(a, networkOf(b)) : cidrContains(b, networkOf(a))
}

/** The number behind the slash. */
export const prefixLength = (cidr: string): number => Number(cidr.split('/')[1])

const networkOf = (cidr: string): string => cidr.split('/')[0]!

/** True for `10.1.0.0/16`, not for `10.1.0.9/16`: no bit is set behind the mask. */
export function isMasked(cidr: string): boolean {
  const network = networkOf(cidr)
  const rest = BigInt((network.includes(':') ? 128 : 32) - prefixLength(cidr))
  return (addressBits(network) >> rest) << rest === addressBits(network)
}

/** The n-th address of a block, the network's own being 0: `10.1.0.0/16`, 258 → `10.1.1.2`. */
export function addressAt(cidr: string, n: number): string {
  const network = networkOf(cidr)
  return addressText(addressBits(network) + BigInt(n), network.includes(':'))
}

/** `10.1.0.9/16` → `10.1.0.0/16` */
export function masked(cidr: string): string {
  const network = networkOf(cidr)
  const wide = network.includes(':')
  const rest = BigInt((wide ? 128 : 32) - prefixLength(cidr))
  return `${addressText((addressBits(network) >> rest) << rest, wide)}/${prefixLength(cidr)}`
}

/** An address as it is on the wire: 4 bytes, or 16. */
export function addressBytes(ip: string): Uint8Array {
  const hex = addressBits(ip).toString(16)
  return Buffer.from(hex.padStart(ip.includes(':') ? 32 : 8, '0'), 'hex')
}

/** The one way to write an address: `FD00:0::1` → `fd00::1`. */
export const canonicalIP = (ip: string): string => addressText(addressBits(ip), ip.includes(':'))

function addressText(bits: bigint, wide: boolean): string {
  if (!wide) return [24n, 16n, 8n, 0n].map(shift => (bits >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return shortest(groups)
}

/** As RFC 5952 writes it: the longest run of zeros is left out. */
function shortest(groups: string[]): string {
  const text = groups.join(':')
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)]
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0]
  if (!longest) return text
  const { 0: zeros, index } = longest
  return `${text.slice(0, index).replace(/:$/, '')}::${text.slice(index + zeros.length).replace(/^:/, '')}`
}

function addressBits(ip: string): bigint {
  if (!ip.includes(':')) return ip.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(ip)
  if (dotted) {
    const low = addressBits(dotted[2]!)
    return addressBits(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head = [], tail] = ip.split('::').map(half => (half === '' ? [] : half.split(':')))
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** As it stands before a port or in a URL: `[fd00::1]`, everything else as it is. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
