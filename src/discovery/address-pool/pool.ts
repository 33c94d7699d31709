import { addressAt, canonicalIP, isCIDR, isIP, masked, prefixLength } from '../../base/ip.ts'

/** Addresses of the LAN that nobody else has, in order: blocks and single ranges. */
export interface AddressPool {
  contains(ip: string): boolean
  /** The first address of a family that is not taken. */
  firstFree(family: string, taken: ReadonlySet<string>): string | undefined
}

interface Range {
  family: 'IPv4' | 'IPv6'
  /** A block that begins at the first address, so that the others can be counted from it. */
  from: string
  count: number
}

/** Of a range no more addresses are tried. */
const most = 65_536

/** `192.0.2.100-192.0.2.120,192.0.2.64/28,fd00::100/120`. @throws RangeError */
export function parsePool(text: string): AddressPool {
  const ranges = text.split(',').filter(Boolean).map(parseRange)
  if (!ranges.length) throw new RangeError(complaint(text))
  const all = function* (family: string) {
    for (const { from, count, family: own } of ranges)
      if (own === family) for (let n = 0; n < count; n++) yield addressAt(from, n)
  }
  const members = new Set(['IPv4', 'IPv6'].flatMap(family => [...all(family)]))
  return {
    contains: ip => isIP(ip) && members.has(canonicalIP(ip)),
    firstFree(family, taken) {
      for (const ip of all(family)) if (!taken.has(ip)) return ip
      return undefined
    },
  }
}

const complaint = (text: string) =>
  `${JSON.stringify(text)} is not addresses such as 192.0.2.100-192.0.2.120, 192.0.2.64/28 or fd00::100/120`

function parseRange(text: string): Range {
  const family = text.includes(':') ? 'IPv6' : 'IPv4'
  const bits = family === 'IPv6' ? 128 : 32
  if (isCIDR(text)) {
    const count = 2 ** (bits - prefixLength(text))
    if (count > most) throw new RangeError(`${JSON.stringify(text)} has more than ${most} addresses`)
    return { family, from: masked(text), count }
  }
  const [first = '', last = first] = text.split('-')
  if (!isIP(first) || !isIP(last)) throw new RangeError(complaint(text))
  const from = `${canonicalIP(first)}/${bits}`
  for (let count = 1; count <= most; count++)
    if (addressAt(from, count - 1) === canonicalIP(last)) return { family, from, count }
  throw new RangeError(`${JSON.stringify(text)} does not end within ${most} addresses of its begin`)
}
