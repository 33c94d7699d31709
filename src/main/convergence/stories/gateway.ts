import { createAuthority, issueCertificate, type KeyPair } from '../../../base/certificates.ts'
import type { Clock } from '../../../base/clock.ts'
import { AskedPorts, embeddedEngine, ensureDefinitions, gatewayDefinitions } from '../../../gateway/index.ts'
import {
  Gateway,
  GatewayClass,
  GRPCRoute,
  HTTPRoute,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../../../gateway/kinds/index.ts'
import { Ingress, IngressClass, RoutePolicy, Service } from '../../../models/kinds/index.ts'
import { gatewayReconcilers } from '../../gateway-statuses.ts'
import type { Stage, Story } from '../story.ts'
import { named } from './parts.ts'

const controllerName = 'optiflow.dev/gateway'
const host = 'web.example.com'
const parentRefs = [{ name: 'edge' }]
const ruleTo = (port: number) => [{ backendRefs: [{ name: 'web', port }] }]

let issued: KeyPair | undefined
/** Gives everybody the certificate that was made before the story began: cryptography takes real time. */
const authority = {
  newKey: async () => 'key',
  register: async () => 'https://authority.example/account/1',
  issue: async () => issued!,
}

async function certificateMade(clock: Clock): Promise<void> {
  // The same in every telling.
  if (issued) return
  const made = await createAuthority('story', clock)
  issued = await issueCertificate(made, { commonName: host, dnsNames: [host], usages: ['server'], days: 90 }, clock)
}

const reconcilers = () =>
  gatewayReconcilers({
    ...{ addresses: ['192.0.2.1'], portTaken: () => () => undefined, asked: new AskedPorts() },
    ...{ engine: embeddedEngine, acme: { directoryUrl: 'https://authority.example', email: undefined } },
    authority: async () => authority,
  })

const definitions = ({ client }: Pick<Stage, 'client'>) => ensureDefinitions(client, gatewayDefinitions)

/** What the gateway tells of itself, of which the kinds are definitions. */
export const gatewayStories: Story[] = [
  {
    name: 'a Gateway and its routes are told what became of them, and that a backend is gone',
    about: [
      ...['gateway-class-status', 'gateway-status', 'http-route-status', 'grpc-route-status', 'tls-route-status'],
      ...['tcp-route-status', 'udp-route-status', 'route-policy-status'],
    ],
    before: definitions,
    // Telling it takes a second.
    each: 4,
    reconcilers,
    acts: [
      async ({ client }) => {
        await client.create(GatewayClass, { metadata: { name: 'optiflow' }, spec: { controllerName } })
        await client.create(Service, { metadata: named('web'), spec: { ports: [{ port: 80 }] } })
        const tls = { mode: 'Passthrough' as const }
        await client.create(Gateway, {
          metadata: named('edge'),
          spec: {
            gatewayClassName: 'optiflow',
            listeners: [
              { name: 'http', port: 8080, protocol: 'HTTP' },
              { name: 'tls', port: 8443, protocol: 'TLS', tls },
              { name: 'tcp', port: 9000, protocol: 'TCP' },
              { name: 'udp', port: 9000, protocol: 'UDP' },
            ],
          },
        })
        await client.create(HTTPRoute, { metadata: named('web'), spec: { parentRefs, rules: ruleTo(80) } })
        await client.create(GRPCRoute, { metadata: named('calls'), spec: { parentRefs, rules: ruleTo(80) } })
        const spec = { parentRefs, hostnames: [host], rules: ruleTo(80) }
        await client.create(TLSRoute, { metadata: named('through'), spec })
        await client.create(TCPRoute, { metadata: named('bare'), spec: { parentRefs, rules: ruleTo(80) } })
        await client.create(UDPRoute, { metadata: named('packets'), spec: { parentRefs, rules: ruleTo(80) } })
        const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'web' }]
        await client.create(RoutePolicy, { metadata: named('slow'), spec: { targetRefs } } as any)
      },
      ({ client }) => client.delete(Service, named('web')),
      ({ client }) => client.delete(Gateway, named('edge')),
    ],
  },
  {
    name: 'an Ingress gets a certificate',
    about: ['acme-certificate'],
    async before(stage) {
      await definitions(stage)
      await certificateMade(stage.clock)
    },
    reconcilers,
    acts: [
      async ({ client }) => {
        await client.create(IngressClass, { metadata: { name: 'optiflow' }, spec: { controller: controllerName } })
        await client.create(Ingress, {
          metadata: { ...named('web'), annotations: { 'optiflow.dev/acme': 'true' } },
          spec: {
            ingressClassName: 'optiflow',
            defaultBackend: { service: { name: 'web', port: { number: 80 } } },
            tls: [{ hosts: [host], secretName: 'web-tls' }],
          },
        })
      },
    ],
  },
]
