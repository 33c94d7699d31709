import { addressAt, cidrContains, isCIDR, masked, prefixLength } from '../../base/ip.ts'
import { type Family, familyOf } from './service-families.ts'

/** A block of addresses for Services. */
export interface AddressRange {
  family: Family
  /** `10.96.0.0/12` */
  cidr: string
  /** Addresses altogether; of a larger block only the first 2^32 are given out. */
  size: number
}

/** `10.96.0.0/12`, or `fd00:96::/112`. @throws RangeError */
export function parseAddressRange(cidr: string): AddressRange {
  const family = familyOf(cidr)
  const [shortest, longest] = family === 'IPv4' ? [8, 30] : [48, 126]
  if (!isCIDR(cidr) || prefixLength(cidr) > longest || prefixLength(cidr) < shortest)
    throw new RangeError(`${JSON.stringify(cidr)} is not an address range such as 10.96.0.0/12 or fd00:96::/112`)
  const bits = (family === 'IPv4' ? 32 : 128) - prefixLength(cidr)
  return { family, cidr: masked(cidr), size: 2 ** Math.min(bits, 32) }
}

/** One range, or two of different families, the main one first: `10.96.0.0/16,fd00:96::/112`. @throws RangeError */
export function parseAddressRanges(text: string): AddressRange[] {
  const ranges = text.split(',').map(parseAddressRange)
  if (ranges.length > 2 || ranges[0]!.family === ranges[1]?.family)
    throw new RangeError(`${JSON.stringify(text)} must be one range, or one of each family`)
  return ranges
}

/** The n-th address. */
export const addressIn = (range: AddressRange, n: number): string => addressAt(range.cidr, n)

/** All but the network's own address and, of IPv4, the last one. */
export function contains({ cidr, family, size }: AddressRange, ip: string): boolean {
  if (!cidrContains(cidr, ip) || cidrContains(`${addressAt(cidr, 0)}/${family === 'IPv4' ? 32 : 128}`, ip)) return false
  return family === 'IPv6' || ip !== addressAt(cidr, size - 1)
}
