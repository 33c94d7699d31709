/** True for `10.1.2.3`, without leading zeros. */
export function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

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
  if (bits === undefined || rest !== undefined || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false
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
