import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { Opaque } from '../values/value.ts'
import { type AddressBytes, addressText, masked, parseAddress, sameBytes } from './address.ts'
import { exactly, perCharacter, plus, reads, times } from './costs.ts'
import { fn, library, method, type Overload } from './function.ts'

const { bool, int, string } = cel
const ip = cel.opaque('net.IP')
const cidr = cel.opaque('net.CIDR')

export class Address extends Opaque {
  readonly typeName = 'net.IP'
  readonly bytes: AddressBytes
  constructor(bytes: AddressBytes) {
    super()
    this.bytes = bytes
  }
  override get size(): number {
    return this.bytes.length
  }
  equals(other: Opaque): boolean {
    return sameBytes(this.bytes, (other as Address).bytes)
  }
  override toString(): string {
    return addressText(this.bytes)
  }
}

export class Network extends Opaque {
  readonly typeName = 'net.CIDR'
  readonly bytes: AddressBytes
  readonly bits: number
  constructor(bytes: AddressBytes, bits: number) {
    super()
    this.bytes = bytes
    this.bits = bits
  }
  override get size(): number {
    return Math.ceil(this.bits / 8)
  }
  equals(other: Opaque): boolean {
    return this.bits === (other as Network).bits && sameBytes(this.bytes, (other as Network).bytes)
  }
  override toString(): string {
    return `${addressText(this.bytes)}/${this.bits}`
  }
  contains(bytes: AddressBytes): boolean {
    return sameBytes(masked(this.bytes, this.bits), masked(bytes, this.bits))
  }
}

function address(text: string): Address {
  const bytes = parseAddress(text)
  return bytes
    ? new Address(bytes)
    : fail(`IP Address ${JSON.stringify(text)} parse error during conversion from string: unable to parse IP`)
}

function parseNetwork(text: string): Network | undefined {
  const [host, bits, ...more] = text.split('/')
  const bytes = parseAddress(host!)
  if (!bytes || more.length || !bits || !/^(?:0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > bytes.length * 8)
    return undefined
  return new Network(bytes, Number(bits))
}

const network = (text: string): Network =>
  parseNetwork(text) ??
  fail(
    `network address parse error during conversion from string: network address ${JSON.stringify(text)} is not valid CIDR notation`,
  )

const containsNetwork = (outer: Network, inner: Network): boolean =>
  outer.bits <= inner.bits && outer.contains(inner.bytes)

const isLoopback = ({ bytes }: Address): boolean =>
  bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))
const isUnspecified = ({ bytes }: Address): boolean => bytes.every(byte => byte === 0)
const isLocalUnicast = ({ bytes }: Address): boolean =>
  bytes.length === 4 ? bytes[0] === 169 && bytes[1] === 254 : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80
const isMulticast = ({ bytes }: Address): boolean =>
  bytes.length === 4 ? (bytes[0]! & 0xf0) === 0xe0 : bytes[0] === 0xff
const isLocalMulticast = ({ bytes }: Address): boolean =>
  bytes.length === 4
    ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
    : bytes[0] === 0xff && (bytes[1]! & 0x0f) === 2
const isBroadcast = ({ bytes }: Address): boolean => bytes.length === 4 && bytes.every(byte => byte === 255)
const isGlobal = (of: Address): boolean =>
  ![isUnspecified, isLoopback, isMulticast, isLocalUnicast, isBroadcast].some(is => is(of))

const test = (id: string, run: (of: Address) => boolean) => [method(id, [ip], bool, run)]
const addresses = { min: 4, max: 16 }

/** Looking up to the end of the prefix, twice; a text is read before. @param more what comes on top */
const looks = (text: boolean, more: (bytes: number) => number): Pick<Overload, 'cost' | 'estimate'> => ({
  cost: ([outer, inner]) => {
    const bytes = (outer as Network).size
    const read = text ? Math.ceil((inner as string).length * perCharacter) : 0
    return Math.ceil(2 * bytes * perCharacter) + more(bytes) + read
  },
  estimate: args => {
    const base = plus(times(plus(addresses, addresses), perCharacter), { min: more(4), max: more(16) })
    return { cost: text ? plus(base, times(args[1]!.size, perCharacter)) : plus(base, exactly(0)) }
  },
})

const nothing = () => 0
const mask = (bytes: number) => Math.ceil(bytes * perCharacter) + 1

/** Addresses: `ip("10.0.0.1").family()`. */
export const ipFunctions = library({
  ip: [
    fn('string_to_ip', [string], ip, address, reads(0)),
    method('cidr_ip', [cidr], ip, (of: Network) => new Address(of.bytes)),
  ],
  isIP: [fn('is_ip', [string], bool, (text: string) => parseAddress(text) !== undefined, reads(0))],
  'ip.isCanonical': [
    fn('ip_is_canonical', [string], bool, (text: string) => String(address(text)) === text, reads(0, 2 * perCharacter)),
  ],
  family: [method('ip_family', [ip], int, (of: Address) => (of.bytes.length === 4 ? 4n : 6n))],
  isUnspecified: test('ip_is_unspecified', isUnspecified),
  isLoopback: test('ip_is_loopback', isLoopback),
  isLinkLocalMulticast: test('ip_is_link_local_multicast', isLocalMulticast),
  isLinkLocalUnicast: test('ip_is_link_local_unicast', isLocalUnicast),
  isGlobalUnicast: test('ip_is_global_unicast', isGlobal),
  string: [fn('ip_to_string', [ip], string, String), fn('cidr_to_string', [cidr], string, String)],
})

/** Ranges of addresses: `cidr("10.0.0.0/8").containsIP("10.1.2.3")`. */
export const cidrFunctions = library({
  cidr: [fn('string_to_cidr', [string], cidr, network, reads(0))],
  isCIDR: [fn('is_cidr', [string], bool, (text: string) => parseNetwork(text) !== undefined, reads(0))],
  containsIP: [
    method(
      'cidr_contains_ip_string',
      [cidr, string],
      bool,
      (of: Network, text: string) => of.contains(address(text).bytes),
      looks(true, nothing),
    ),
    method(
      'cidr_contains_ip_ip',
      [cidr, ip],
      bool,
      (of: Network, inner: Address) => of.contains(inner.bytes),
      looks(false, nothing),
    ),
  ],
  containsCIDR: [
    method(
      'cidr_contains_cidr_string',
      [cidr, string],
      bool,
      (of: Network, text: string) => containsNetwork(of, network(text)),
      looks(true, mask),
    ),
    method('cidr_contains_cidr', [cidr, cidr], bool, containsNetwork, looks(false, mask)),
  ],
  prefixLength: [method('cidr_prefix_length', [cidr], int, (of: Network) => BigInt(of.bits))],
  masked: [method('cidr_masked', [cidr], cidr, (of: Network) => new Network(masked(of.bytes, of.bits), of.bits))],
})
