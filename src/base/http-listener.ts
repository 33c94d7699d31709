import * as http from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpQuestion {
  method: string
  /** Without the query. */
  path: string
  query: URLSearchParams
  headers: Record<string, string | undefined>
  body: Buffer
}

export interface HttpAnswer {
  status: number
  headers?: Record<string, string>
  body?: string | Uint8Array
}

export interface HttpListener {
  port: number
  close(): Promise<void>
}

/** A small plain HTTP listener on host:port (0 = any free one), for what is served on loopback beside the API server. */
export type ListenHttp = (
  host: string,
  port: number,
  answer: (question: HttpQuestion) => Promise<HttpAnswer>,
) => Promise<HttpListener>

export const listenHttp: ListenHttp = (host, port, answer) =>
  new Promise((resolve, reject) => {
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('error', () => response.destroy())
      request.on('end', async () => {
        const url = new URL(request.url ?? '/', 'http://localhost')
        const { status, headers, body } = await answer({
          method: request.method ?? 'GET',
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers as Record<string, string | undefined>,
          body: Buffer.concat(chunks),
        }).catch(error => ({ status: 500, headers: {}, body: String(error) }))
        response.writeHead(status, headers)
        response.end(body)
      })
    })
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise(done => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      })
    })
  })
