import type { Duplex } from 'node:stream'
import { Writable } from 'node:stream'
import { farewell } from '../base/farewell.ts'
import type { WebResponse } from '../base/web-server.ts'
import type { Headers } from './headers.ts'

/** Answers of the gateway's own. */
export function answer(response: WebResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

export function answerWith(response: WebResponse, status: number, headers: Headers, body: string | Buffer): void {
  response.writeHead(status, headers).end(body)
}

export function redirectTo(response: WebResponse, status: number, location: string): void {
  response.writeHead(status, { location, 'content-length': '0' }).end()
}

/** To a request for another protocol. */
export function refuse(socket: Duplex, status: string, headers: Headers = {}): void {
  const lines = headerLines({ ...headers, connection: 'close', 'content-length': '0' })
  farewell(socket, `HTTP/1.1 ${status}\r\n${lines}\r\n`)
}

export function headerLines(headers: Record<string, string | string[] | undefined>): string {
  return Object.entries(headers)
    .flatMap(([name, value]) => [value ?? []].flat().map(text => `${name}: ${text}\r\n`))
    .join('')
}

/** Swallows an answer. */
export function sink(): WebResponse {
  const swallowing = new Writable({ write: (_chunk, _encoding, done) => done() })
  return Object.assign(swallowing, { addTrailers() {} }) as unknown as WebResponse
}
