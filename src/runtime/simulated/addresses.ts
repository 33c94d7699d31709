import { RuntimeFailed } from '../runtime.ts'

/** Hands out the addresses of one node's pod CIDR, the next free one after the last given, so that none is soon given twice. */
export class AddressPool {
  readonly cidr: string
  readonly #base: bigint
  readonly #size: bigint
  readonly #v6: boolean
  readonly #taken = new Set<bigint>()
  #last = 1n

  /** @param cidr such as `10.244.3.0/24` or `fd00:3::/64` */
  constructor(cidr: string) {
    const [address, length] = cidr.split('/') as [string, string]
    this.cidr = cidr
    this.#v6 = address.includes(':')
    const bits = this.#v6 ? 128 : 32
    this.#size = 1n << BigInt(bits - Number(length))
    const value = this.#v6 ? parseV6(address) : parseV4(address)
    this.#base = value - (value % this.#size)
  }

  /** The first host address is the gateway's; the last of an IPv4 range is its broadcast. @throws RuntimeFailed when all are taken */
  take(): string {
    const end = this.#v6 ? this.#size : this.#size - 1n
    for (let tried = 0n; tried < end; tried++) {
      this.#last = this.#last + 1n < end ? this.#last + 1n : 2n
      if (this.#last >= end || this.#taken.has(this.#last)) continue
      this.#taken.add(this.#last)
      return this.#text(this.#base + this.#last)
    }
    throw new RuntimeFailed(`no free address in the node's pod range ${this.cidr}`, {
      hint: 'Give the cluster a larger pod CIDR per node, or move pods to other nodes.',
    })
  }

  giveBack(address: string): void {
    if (address.includes(':') === this.#v6)
      this.#taken.delete((this.#v6 ? parseV6(address) : parseV4(address)) - this.#base)
  }

  #text(value: bigint): string {
    if (!this.#v6) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.')
    const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
    return groups
      .join(':')
      .replace(/(^|:)0(:0)+(:|$)/, '::')
      .replace(':::', '::')
  }
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n)
}

function parseV6(text: string): bigint {
  const [head, tail] = text.split('::') as [string, string | undefined]
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const middle = tail === undefined ? [] : Array(8 - left.length - right.length).fill('0')
  return [...left, ...middle, ...right].reduce((sum, part) => (sum << 16n) + BigInt(`0x${part}`), 0n)
}
