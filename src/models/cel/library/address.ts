/** An address of 4 or 16 bytes. */
export type AddressBytes = Uint8Array

/** @returns undefined for what is no address; leading zeros, zones and IPv4 written as IPv6 are refused */
export function parseAddress(text: string): AddressBytes | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

function parseV4(text: string): AddressBytes | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return Uint8Array.from(parts, Number)
}

function parseV6(text: string): AddressBytes | undefined {
  if (text.length > 45) return undefined
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const v4 = tail && parseV4(tail[1]!)
  if (tail && !v4) return undefined
  const groups = v4
    ? text.replace(tail[1]!, `${((v4[0]! << 8) | v4[1]!).toString(16)}:${((v4[2]! << 8) | v4[3]!).toString(16)}`)
    : text
  const halves = groups.split('::')
  if (halves.length > 2) return undefined
  const [left, right] = halves.map(half => (half === '' ? [] : half.split(':'))) as [string[], string[]?]
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right ? missing < 1 : missing !== 0) return undefined
  const all = [...left, ...Array<string>(Math.max(missing, 0)).fill('0'), ...(right ?? [])]
  if (!all.every(group => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  const bytes = Uint8Array.from(
    all.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
  return isMapped(bytes) ? undefined : bytes
}

const isMapped = (bytes: AddressBytes): boolean =>
  bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff

/** The canonical text: the longest run of zeros of an IPv6 address is `::`. */
export function addressText(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  const { start, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

function longestZeros(groups: string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  return best
}

export const sameBytes = (a: AddressBytes, b: AddressBytes): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** The address with all bits but the first ones zero. */
export function masked(bytes: AddressBytes, bits: number): AddressBytes {
  return bytes.map((byte, i) => byte & (0xff << (8 - Math.min(Math.max(bits - 8 * i, 0), 8))))
}
