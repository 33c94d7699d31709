import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import type { ApiRequest } from '../../models/rest.ts'
import { LineFrame } from '../watch-cache/frame.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import { type Listening, listen } from './listener.ts'

const streams: WatchStream[] = []
let slow: () => void = () => {}
let listening: Listening
beforeAll(async () => {
  const handler = async ({ url }: ApiRequest) => {
    if (url === '/slow') await new Promise<void>(resolve => (slow = resolve))
    if (url !== '/watch') return { status: 200, headers: {}, body: Buffer.from('ok') }
    const stream = new WatchStream(() => {})
    streams.push(stream)
    return { status: 200, headers: {}, body: stream }
  }
  listening = await listen(handler, { clock: systemClock, log: silentLogger }, { host: '127.0.0.1', port: 0 })
})
afterAll(() => listening.close())

/** Sends `text`; all that comes back until it holds `until`. */
function ask(text: string): { socket: Socket; until(text: string): Promise<string> } {
  const socket = connect(listening.port, '127.0.0.1')
  socket.write(text)
  let heard = ''
  let check = () => {}
  socket.on('data', chunk => {
    heard += chunk
    check()
  })
  const until = (wanted: string) =>
    new Promise<string>(resolve => {
      check = () => heard.includes(wanted) && resolve(heard)
      check()
    })
  return { socket, until }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

test('all who watch get the same chunks, and the end of the body after them', async () => {
  streams.length = 0
  const watchers = [ask(get('/watch')), ask(get('/watch'))]
  await Promise.all(watchers.map(w => w.until('\r\n\r\n')))
  const events = ['{"a":"ü"}\n', '{"b":1}\n'].map(text => new LineFrame(Buffer.from(text)))
  for (const event of events) for (const stream of streams) stream.push(event)
  for (const stream of streams) stream.end()
  for (const { socket, until } of watchers) {
    expect(bodyOf(await until('0\r\n\r\n'))).toBe('b\r\n{"a":"ü"}\n\r\n8\r\n{"b":1}\n\r\n0\r\n\r\n')
    socket.destroy()
  }
})

test('what a watch says waits for the answer to the request before it on the same connection', async () => {
  streams.length = 0
  const { socket, until } = ask(get('/slow') + get('/watch'))
  while (streams.length === 0) await new Promise(resolve => setImmediate(resolve))
  streams[0]!.push(new LineFrame(Buffer.from('one\n')))
  streams[0]!.push(new LineFrame(Buffer.from('two\n')))
  await new Promise(resolve => setImmediate(resolve))
  slow()
  await until('two')
  streams[0]!.push(new LineFrame(Buffer.from('three\n')))
  const answer = await until('three\n\r\n')
  const [first, watch] = [answer.indexOf('ok'), answer.indexOf('one')]
  expect(first).toBeGreaterThan(0)
  expect(watch).toBeGreaterThan(first)
  expect(answer.slice(watch - 3)).toBe('4\r\none\n\r\n4\r\ntwo\n\r\n6\r\nthree\n\r\n')
  socket.destroy()
})
