import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'

/** An address of this machine that a pod could have: not loopback. */
const address = Object.values(networkInterfaces())
  .flat()
  .find(i => i && i.family === 'IPv4' && !i.internal)?.address

describe.skipIf(!hasKubectl || !address)('kubectl by way of the proxies (needs kubectl on PATH and an address)', () => {
  let cluster: Cluster
  let web: Server
  beforeAll(async () => {
    cluster = await Cluster.start()
    web = createServer((request, response) => void response.end(`${request.method} ${request.url}\n`))
    web.listen(0, address)
    await once(web, 'listening')
    const { port } = web.address() as AddressInfo
    const service = {
      ...{ kind: 'Service', apiVersion: 'v1', metadata: { name: 'web' } },
      spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
    }
    const slice = {
      ...{ kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', addressType: 'IPv4' },
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'http', port, protocol: 'TCP' }],
    }
    const list = JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [service, slice] })
    await cluster.kubectlWith(list, 'create', '-f', '-')
    await cluster.kubectl('wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=25s')
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    web?.closeAllConnections()
    web?.close()
  })

  it.each(['web', 'web:http', 'http:web:80'])('get --raw reaches the service as %s', async name => {
    const path = `/api/v1/namespaces/default/services/${name}/proxy/some/path?a=b`
    expect(await cluster.kubectl('get', '--raw', path)).toBe('GET /some/path?a=b\n')
  })

  it('get --raw reaches the agent of a node', async () => {
    const [node] = (await cluster.kubectl('get', 'nodes', '-o', 'name')).trim().split('\n')
    const stats = await cluster.kubectl(
      'get',
      '--raw',
      `/api/v1/${node!.replace('node/', 'nodes/')}/proxy/stats/summary`,
    )
    expect(JSON.parse(stats).node.nodeName).toBe(node!.slice('node/'.length))
  })
})
