import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { AnswerReader, plainGet } from './plain-get.ts'

const read = (chunks: string[], maxBytes = 100) => {
  const reader = new AnswerReader(maxBytes)
  for (const chunk of chunks) {
    const answer = reader.take(Buffer.from(chunk, 'latin1'))
    if (answer) return answer.status
  }
  return 'more to come'
}

describe('an answer', () => {
  it.each<[string, string[], number | string]>([
    ['of a known length', ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'], 200],
    ['of which a part is missing', ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'], 'more to come'],
    ['in pieces', ['HTT', 'P/1.1 40', '4 Not Found\r\ncontent-length:0\r', '\n\r\n'], 404],
    ['without a word for its status', ['HTTP/1.0 200\r\nContent-Length: 0\r\n\r\n'], 200],
    ['that ends with the connection', ['HTTP/1.0 200 OK\r\n\r\nall of it'], 'more to come'],
    ['longer than anybody reads', ['HTTP/1.0 200 OK\r\n\r\n', 'x'.repeat(100)], 200],
    ['without a body', ['HTTP/1.1 204 No Content\r\n\r\n'], 204],
    ['after another that only announces it', ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'], 204],
    ['in chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', '0\r\n\r\n'], 200],
    ['in chunks, with trailers', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n'], 200],
    [
      'in chunks of which more come',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0\r\n\r\n12345'],
      'more to come',
    ],
  ])('%s', (_, chunks, expected) => {
    expect(read(chunks)).toBe(expected)
  })

  it('that is no HTTP/1 is refused at its first bytes', () => {
    expect(() => read(['SSH-2.0-OpenSSH\r\n'])).toThrow('malformed HTTP response "SSH-2.0-OpenSSH"')
    expect(() => read(['HTTP/1.1 OK\r\n\r\n'])).toThrow('malformed HTTP response "HTTP/1.1 OK"')
  })

  it('cut short is none', () => {
    const reader = new AnswerReader(100)
    expect(() => reader.close()).toThrow(/^EOF$/)
    reader.take(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'))
    expect(() => reader.close()).toThrow('unexpected EOF')
  })
})

describe('over a connection', () => {
  let server: Server
  const listen = async (onText: (text: string, reply: (text: string, end?: boolean) => void) => void) => {
    server = createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', data => onText(data.toString(), (text, end) => (end ? socket.end(text) : socket.write(text))))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }
  afterEach(() => void server?.close())
  const ask = (port: number, timeoutMs = 5_000) =>
    plainGet({
      ...{ host: '127.0.0.1', port, path: '/a?b', timeoutMs, maxBytes: 100 },
      headers: { host: 'me', 'x-a': 'b' },
    })

  it('what is sent is a whole request, and a body that ends with the connection is waited for', async () => {
    let seen = ''
    const port = await listen((text, reply) => {
      seen = text
      reply('HTTP/1.0 302 Found\r\nLocation: /x\r\nLocation: /y\r\n\r\nbody', true)
    })
    expect(await ask(port)).toEqual({ status: 302, headers: { location: '/x' }, body: 'body' })
    expect(seen).toBe('GET /a?b HTTP/1.1\r\nhost: me\r\nx-a: b\r\nconnection: close\r\n\r\n')
  })

  it('a body that does not come to its end in time is no answer', async () => {
    const port = await listen((_, reply) => reply('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'))
    await expect(ask(port, 30)).rejects.toThrow('no answer within 30 ms')
  })
})
