/** A block of headers that cannot be read: the connection is of no more use. */
export class BadHeaderBlock extends Error {}

/** What has a number instead of a text, from 1. @see RFC 7541, appendix A */
const known = `:authority | :method=GET | :method=POST | :path=/ | :path=/index.html | :scheme=http | :scheme=https
:status=200 | :status=204 | :status=206 | :status=304 | :status=400 | :status=404 | :status=500
accept-charset | accept-encoding=gzip, deflate | accept-language | accept-ranges | accept
access-control-allow-origin | age | allow | authorization | cache-control | content-disposition
content-encoding | content-language | content-length | content-location | content-range | content-type
cookie | date | etag | expect | expires | from | host | if-match | if-modified-since | if-none-match
if-range | if-unmodified-since | last-modified | link | location | max-forwards | proxy-authenticate
proxy-authorization | range | referer | refresh | retry-after | server | set-cookie
strict-transport-security | transfer-encoding | user-agent | vary | via | www-authenticate`
  .split(/ \| |\n/)
  .map((text): [name: string, value: string] => {
    const at = text.indexOf('=')
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  })

/** How many bits stand for each byte, and for the end: A is 5. The codes follow from that, the shortest first. @see RFC 7541, appendix B */
const bits =
  'ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCC' +
  'CKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRSVVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVW' +
  'WWWWXWWWWWVZ'

/** Of each length in bits: the first code, and the bytes that have codes of this length, in their order. */
const codes = (() => {
  const byLength: { first: number; bytes: number[] }[] = []
  let code = 0
  for (let length = 1; length <= 30; length++) {
    const bytes = [...bits].flatMap((letter, byte) => (letter.charCodeAt(0) - 60 === length ? [byte] : []))
    byLength[length] = { first: code, bytes }
    code = (code + bytes.length) * 2
  }
  return byLength
})()

/** Headers in their order, without a memory of earlier ones. */
export function encodeHeaders(headers: Iterable<readonly [name: string, value: string]>): Buffer {
  const out: number[] = []
  const text = (value: string) => {
    const bytes = Buffer.from(value)
    integer(out, 0, 7, bytes.length)
    out.push(...bytes)
  }
  for (const [name, value] of headers) {
    const whole = known.findIndex(([n, v]) => n === name && v === value && v !== '')
    if (whole >= 0) {
      integer(out, 0x80, 7, whole + 1)
      continue
    }
    const named = known.findIndex(([n]) => n === name)
    integer(out, 0, 4, named + 1)
    if (named < 0) text(name)
    text(value)
  }
  return Buffer.from(out)
}

function integer(out: number[], flags: number, prefix: number, value: number): void {
  const most = 2 ** prefix - 1
  if (value < most) {
    out.push(flags | value)
    return
  }
  out.push(flags | most)
  let rest = value - most
  for (; rest >= 128; rest >>>= 7) out.push((rest & 127) | 128)
  out.push(rest)
}

/**
 * What a sender wrote that was told to remember nothing (a table of size 0): each block stands for itself. Of several headers of
 * one name the last counts.
 * @throws BadHeaderBlock
 */
export function decodeHeaders(block: Uint8Array): Map<string, string> {
  const headers = new Map<string, string>()
  let at = 0
  const number = (prefix: number): number => {
    const most = 2 ** prefix - 1
    let value = byte() & most
    if (value < most) return value
    for (let scale = 1; ; scale *= 128) {
      const next = byte()
      value += (next & 127) * scale
      if (value > 2 ** 24) throw new BadHeaderBlock('a number in a header block is too large')
      if (next < 128) return value
    }
  }
  const byte = (): number => {
    if (at >= block.length) throw new BadHeaderBlock('a header block is cut off')
    return block[at++]!
  }
  const text = (): string => {
    const packed = (block[at] ?? 0) >= 128
    const length = number(7)
    if (at + length > block.length) throw new BadHeaderBlock('a header block is cut off')
    const bytes = block.subarray(at, at + length)
    at += length
    return packed ? unpack(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  }
  const numbered = (index: number): readonly [string, string] => {
    const found = known[index - 1]
    if (!found) throw new BadHeaderBlock(`a header block names header ${index}, which nobody sent`)
    return found
  }
  while (at < block.length) {
    const first = block[at]!
    if (first >= 0x80) headers.set(...numbered(number(7)))
    // The size of the sender's table: it keeps to none.
    else if (first >= 0x20 && first < 0x40) number(5)
    else {
      const index = number(first >= 0x40 ? 6 : 4)
      headers.set(index ? numbered(index)[0] : text(), text())
    }
  }
  return headers
}

function unpack(bytes: Uint8Array): string {
  const out: number[] = []
  let code = 0
  let length = 0
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1)
      length++
      const of = codes[length]
      if (!of) throw new BadHeaderBlock('a header block has a code that there is not')
      const found = of.bytes[code - of.first]
      if (found === undefined) continue
      if (found > 255) throw new BadHeaderBlock('a header block has the code of its end')
      out.push(found)
      code = 0
      length = 0
    }
  // The rest of the last byte is ones.
  if (length > 7 || code !== 2 ** length - 1) throw new BadHeaderBlock('a header block is filled up wrongly')
  return Buffer.from(out).toString()
}
