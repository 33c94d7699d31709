import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { type Net, systemNet } from '../../base/net.ts'

/** A server that the API server calls: a webhook, an extension server, a pod. */
export interface OutsideServer extends AsyncDisposable {
  port: number
  server: Server
  /** Base64 of the authority's PEM, as configurations have it; '' without TLS. */
  caBundle: string
  /** PEM of its own certificate; '' without TLS. */
  cert: string
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

let authority: Promise<KeyPair> | undefined
const issued = new Map<string, Promise<KeyPair>>()

/** Made once for all tests of a process: keys take a while. */
export function testAuthority(): Promise<KeyPair> {
  return (authority ??= createAuthority('webhooks of tests', systemClock))
}

/** @param name that its certificate is for, such as `hook.default.svc`; none: plain HTTP */
export async function startOutsideServer(name: string | undefined, handler: Handler, clientCa?: string) {
  const read = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => handler(request, response, Buffer.concat(chunks)))
  }
  const ca = await testAuthority()
  const server = name
    ? createTlsServer(
        { ...(await certificateFor(name)), ...(clientCa ? { ca: clientCa, requestCert: true } : {}) },
        read,
      )
    : createServer(read)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    server,
    caBundle: name ? Buffer.from(ca.cert).toString('base64') : '',
    cert: name ? (await certificateFor(name)).cert : '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  } satisfies OutsideServer
}

async function certificateFor(name: string): Promise<KeyPair> {
  let pair = issued.get(name)
  if (!pair)
    issued.set(
      name,
      (pair = issueCertificate(
        await testAuthority(),
        { commonName: name, dnsNames: [name], ips: ['127.0.0.1'], usages: ['server'] },
        systemClock,
      )),
    )
  return pair
}

/** Pods of tests have addresses like those of a cluster; their servers are on loopback. `dialled` says who was called. */
export function loopbackNet(dialled: string[] = []): Net {
  return {
    ...systemNet,
    stream(url, options = {}) {
      const { address } = options
      if (address) dialled.push(`${address.host}:${address.port}`)
      return systemNet.stream(
        url,
        address ? { ...options, address: { host: '127.0.0.1', port: address.port } } : options,
      )
    },
  }
}

/** A Service named so, with one ready endpoint at 10.244.0.9:port. */
export function serviceObjects(
  name: string,
  port: number,
  options: { portName?: string; servicePort?: number } = {},
): [string, object][] {
  const portName = options.portName ? { name: options.portName } : {}
  return [
    [
      '/api/v1/namespaces/default/services',
      {
        kind: 'Service',
        apiVersion: 'v1',
        metadata: { name },
        spec: { ports: [{ ...portName, port: options.servicePort ?? 443, targetPort: port }] },
      },
    ],
    [
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
      {
        kind: 'EndpointSlice',
        apiVersion: 'discovery.k8s.io/v1',
        metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: true } }],
        ports: [{ ...portName, port, protocol: 'TCP' }],
      },
    ],
  ]
}
