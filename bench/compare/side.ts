import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { ApiKeys } from '../support/api.ts'

export type Json = any

export interface Question {
  method: string
  /** With its query. */
  path: string
  /** Text and bytes are sent as they are. */
  body?: unknown
  /** Of the body. Default application/json. */
  type?: string
  accept?: string
  /** Several values of one name are several headers. */
  headers?: Record<string, string | string[]>
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  bytes: Buffer
}

/** One of the two servers, and what is known of its objects. */
export interface Side extends Disposable {
  name: 'ours' | 'Kubernetes'
  keys: ApiKeys
  /** @throws Error when nothing is answered in time */
  ask(question: Question): Promise<Answer>
  /** @throws Error with the server's words unless the answer is 2xx */
  json(method: string, path: string, body?: unknown, type?: string): Promise<Json>
  /** What programs keep: objects and versions by a name of their own. */
  kept: Map<string, Json>
}

const patienceMs = 30_000

export function openSide(name: Side['name'], keys: ApiKeys): Side {
  const agent = new Agent({ keepAlive: true, maxSockets: 400, ca: keys.ca, cert: keys.cert, key: keys.key })
  const ask = ({ method, path, body, type, accept, headers }: Question): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sentAsIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
      const text = sentAsIs ? body : JSON.stringify(body)
      const all = {
        'user-agent': 'compare/1',
        ...(text === undefined
          ? {}
          : { 'content-type': type ?? 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(accept ? { accept } : {}),
        ...headers,
      }
      const sent = httpsRequest({ host: '127.0.0.1', port: keys.port, agent, method, path, headers: all }, reply => {
        const chunks: Buffer[] = []
        const finish = () => {
          clearTimeout(timer)
          const bytes = Buffer.concat(chunks)
          resolve({ status: reply.statusCode!, headers: reply.headers, text: bytes.toString(), bytes })
        }
        reply.on('data', chunk => chunks.push(chunk))
        reply.on('end', finish)
        reply.on('error', reject)
      })
      const late = () => sent.destroy(new Error(`${method} ${path}: no end of the answer in ${patienceMs / 1000} s`))
      const timer = setTimeout(late, patienceMs)
      sent.on('error', error => {
        clearTimeout(timer)
        reject(error)
      })
      sent.end(text)
    })
  return {
    name,
    keys,
    kept: new Map(),
    ask,
    async json(method, path, body, type) {
      const answer = await ask({ method, path, body, ...(type ? { type } : {}) })
      if (answer.status >= 300)
        throw new Error(`${name}: ${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`)
      return JSON.parse(answer.text)
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}
