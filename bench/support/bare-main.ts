/*
 * What no API server of this kind can do without: HTTPS with client certificates, the body parsed and written again, a
 * durable commit, and an event to each watcher. No routes, permissions, defaults, validation, admission, owners, caches.
 *   node --import tsx bench/support/bare-main.ts FOLDER     (a child of bare-server.ts)
 */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { createAuthority, issueCertificate } from '../../src/base/certificates.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openSqliteStore } from '../../src/db/index.ts'

const ca = await createAuthority('bare', systemClock)
const own = await issueCertificate(ca, { commonName: 'server', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
const client = await issueCertificate(ca, { commonName: 'bench', usages: ['client'] }, systemClock)
const store = await openSqliteStore({ path: join(process.argv[2]!, 'bare.db') })
/** As many bytes as a server adds to a plain pod. */
const added = 'x'.repeat(1_850)
const watchers = new Set<ServerResponse>()

async function create(path: string, body: Buffer): Promise<Buffer> {
  const object = { ...JSON.parse(body.toString()), added }
  Object.assign(object.metadata, { uid: randomUUID(), creationTimestamp: new Date().toISOString() })
  const bytes = Buffer.from(JSON.stringify(object))
  await store.commit([{ key: `/bare${path}/${object.metadata.name}`, value: bytes }], new Map())
  if (watchers.size) tell(bytes)
  return bytes
}

/** One chunk for all, straight to their sockets. */
function tell(bytes: Buffer): void {
  const event = Buffer.concat([Buffer.from('{"type":"ADDED","object":'), bytes, Buffer.from('}\n')])
  const chunk = Buffer.concat([Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')])
  for (const { socket } of watchers) socket?.write(chunk)
}

const tls = { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, minVersion: 'TLSv1.2' } as const
const server = createServer({ ...tls, keepAliveTimeout: 120_000 }, (request, response) => {
  if (request.method === 'GET' && !request.url!.includes('watch=1')) {
    response.end('{"metadata":{"resourceVersion":"1"}}')
    return
  }
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    watchers.add(response)
    response.on('close', () => watchers.delete(response))
    return
  }
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', async () => {
    const bytes = await create(request.url!, Buffer.concat(parts))
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes)
  })
})
server.listen(0, '127.0.0.1', 1024, () => {
  const { port } = server.address() as { port: number }
  process.send!({ port, ca: ca.cert, cert: client.cert, key: client.key })
})
process.on('SIGTERM', () => {
  void store[Symbol.asyncDispose]().then(() => process.exit(0))
})
