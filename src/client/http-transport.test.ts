import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigMap as ConfigMapKind } from '../models/kinds/index.ts'
import { httpTransport } from './http-transport.ts'
import { createFakeApi } from './testing/fake-api.ts'
import { ServerUnreachable } from './transport.ts'
import { createClient } from './typed-client.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function listen() {
  const api = createFakeApi()
  const sockets = new Set<unknown>()
  const seen: (string | undefined)[] = []
  server = createServer(async (request, response) => {
    sockets.add(request.socket)
    seen.push(request.headers.authorization)
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk)
    const stop = new AbortController()
    response.on('close', () => stop.abort())
    const reply = await api.handler({
      method: request.method!,
      url: request.url!,
      headers: {},
      ...(body.length ? { body: Buffer.concat(body) } : {}),
      signal: stop.signal,
    })
    response.writeHead(reply.status, reply.headers)
    response.flushHeaders()
    if (reply.body instanceof Uint8Array) response.end(reply.body)
    else {
      try {
        for await (const chunk of reply.body) response.write(chunk)
        response.end()
      } catch {
        response.destroy()
      }
    }
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return { api, sockets, seen, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('the HTTP transport', () => {
  test('keeps its connections, and follows watches until they are aborted', async () => {
    const { api, address, sockets, seen } = await listen()
    let token = 'one'
    await using transport = httpTransport({ server: address, token: () => token })
    const client = createClient(transport)
    await client.create(ConfigMapKind, { metadata: { namespace: 'a', name: 'x' }, data: { k: 'ä' } })
    token = 'two'
    expect((await client.list(ConfigMapKind)).items[0]!.data).toEqual({ k: 'ä' })
    expect(seen).toEqual(['Bearer one', 'Bearer two'])
    for (let i = 0; i < 20; i++) await client.list(ConfigMapKind)
    // undici opens a second one while the first is still putting its last reply away.
    expect(sockets.size).toBeLessThanOrEqual(2)

    const stop = new AbortController()
    const heard: string[] = []
    const watching = (async () => {
      for await (const e of client.watch(ConfigMapKind, { resourceVersion: '0', signal: stop.signal })) {
        heard.push(`${e.type} ${e.object.metadata.name}`)
        if (heard.length === 1) api.put('/api/v1/namespaces/a/configmaps/y', {})
        else stop.abort()
      }
    })()
    await expect(watching).rejects.toMatchObject({ name: 'AbortError' })
    expect(heard).toEqual(['ADDED x', 'ADDED y'])
  })

  test('says ServerUnreachable when nobody answers, and when a watch breaks', async () => {
    const { api, address } = await listen()
    await using transport = httpTransport({ server: address })
    const client = createClient(transport)
    const watching = (async () => {
      for await (const _ of client.watch(ConfigMapKind, { resourceVersion: '0', signal: new AbortController().signal }))
        server!.closeAllConnections()
    })()
    api.put('/api/v1/namespaces/a/configmaps/y', {})
    await expect(watching).rejects.toBeInstanceOf(ServerUnreachable)
    await new Promise(resolve => server!.close(resolve))
    await expect(client.list(ConfigMapKind)).rejects.toMatchObject({
      name: 'ServerUnreachable',
      message: `no answer from the API server at ${address}`,
      server: address,
    })
  })
})
