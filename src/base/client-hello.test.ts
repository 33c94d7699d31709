import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { serverNameOf } from './client-hello.ts'

/** What a client really begins with. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const wire = new Duplex({ read() {}, write: (chunk, _encoding, done) => done(void wire.emit('sent', chunk)) })
  const sent = once(wire, 'sent')
  connect({ socket: wire, ...(servername ? { servername } : {}) }).on('error', () => {})
  const [hello] = await sent
  wire.destroy()
  return hello
}

/** The same message in records of so many bytes. */
function split(hello: Buffer, bytes: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += bytes) {
    const part = message.subarray(at, at + bytes)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

describe('what a TLS client begins with', () => {
  test('tells the name that it asks for, however it is cut into records', async () => {
    const hello = await helloFor('Shop.Example.com')
    expect(serverNameOf(hello)).toBe('shop.example.com')
    for (const bytes of [1, 3, 50, 200]) expect(serverNameOf(split(hello, bytes))).toBe('shop.example.com')
  })

  test('tells nothing before it is whole', async () => {
    const hello = await helloFor('a.test')
    for (let length = 0; length < hello.length; length++)
      expect(serverNameOf(hello.subarray(0, length))).toBeUndefined()
  })

  test('names nobody if it does not, or is no TLS, or leads astray', async () => {
    expect(serverNameOf(await helloFor(undefined))).toBe('')
    expect(serverNameOf(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('')
    const hello = await helloFor('a.test')
    for (let at = 5; at < hello.length; at++) {
      const bent = Buffer.from(hello)
      bent[at] = 0xff
      expect(typeof serverNameOf(bent)).toMatch(/string|undefined/)
    }
    expect(
      serverNameOf(Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff]), Buffer.alloc(20_000)])),
    ).toBe('')
  })
})
