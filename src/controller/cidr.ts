/** Address ranges as numbers, both families. */
export interface Cidr {
  family: 4 | 6
  base: bigint
  /** Length of the prefix in bits. */
  prefix: number
}

const bitsOf = (family: 4 | 6) => (family === 4 ? 32 : 128)

/** @returns undefined when the text is no range */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf('/')
  const prefix = Number(text.slice(slash + 1))
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash))
  if (!address || !Number.isInteger(prefix) || prefix < 0 || prefix > bitsOf(address.family)) return undefined
  const host = BigInt(bitsOf(address.family) - prefix)
  return { family: address.family, base: (address.value >> host) << host, prefix }
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (!text.includes(':')) {
    const parts = text.split('.')
    if (parts.length !== 4 || parts.some(p => !/^\d{1,3}$/.test(p) || Number(p) > 255)) return undefined
    return { family: 4, value: parts.reduce((n, p) => (n << 8n) | BigInt(p), 0n) }
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string) => (half ? half.split(':') : [])
  const [head, tail] = [groups(halves[0]!), groups(halves[1] ?? '')]
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 0 : missing !== 0) return undefined
  const all = [...head, ...Array.from({ length: halves.length === 2 ? missing : 0 }, () => '0'), ...tail]
  if (all.some(g => !/^[0-9a-fA-F]{1,4}$/.test(g))) return undefined
  return { family: 6, value: all.reduce((n, g) => (n << 16n) | BigInt(`0x${g}`), 0n) }
}

export function formatCidr({ family, base, prefix }: Cidr): string {
  if (family === 4) {
    const bytes = [24n, 16n, 8n, 0n].map(shift => String((base >> shift) & 255n))
    return `${bytes.join('.')}/${prefix}`
  }
  const groups = Array.from({ length: 8 }, (_, i) => Number((base >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return `${compress(groups)}/${prefix}`
}

/** The longest run of zero groups becomes `::`. */
function compress(groups: string[]): string {
  let best = { at: 0, length: 0 }
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && groups[i + n] === '0') n++
    if (n > best.length) best = { at: i, length: n }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}

/** The `index`-th range of `prefix` bits within a larger one; undefined past its end. */
export function subRange(whole: Cidr, prefix: number, index: number): Cidr | undefined {
  const count = 2n ** BigInt(prefix - whole.prefix)
  if (BigInt(index) >= count) return undefined
  const size = BigInt(bitsOf(whole.family) - prefix)
  return { family: whole.family, base: whole.base + (BigInt(index) << size), prefix }
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false
  const shift = BigInt(bitsOf(a.family) - Math.min(a.prefix, b.prefix))
  return a.base >> shift === b.base >> shift
}
