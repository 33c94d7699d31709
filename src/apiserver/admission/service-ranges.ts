/** A block of IPv4 addresses, as numbers. */
export interface AddressRange {
  first: number
  /** Addresses altogether. */
  size: number
}

/** `10.96.0.0/12`. @throws RangeError */
export function parseAddressRange(cidr: string): AddressRange {
  const found = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(cidr)
  const base = found ? addressNumber(found[1]!) : undefined
  const bits = Number(found?.[2])
  if (!found || base === undefined || bits > 30 || bits < 8)
    throw new RangeError(`${JSON.stringify(cidr)} is not an IPv4 range such as 10.96.0.0/12`)
  const size = 2 ** (32 - bits)
  return { first: base - (base % size), size }
}

/** Undefined for anything that is not a plain IPv4 address. */
export function addressNumber(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let out = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    out = out * 256 + Number(part)
  }
  return out
}

export function addressText(n: number): string {
  return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.')
}

/** All but the network's own address and the last one. */
export function contains(range: AddressRange, address: number): boolean {
  return address > range.first && address < range.first + range.size - 1
}
