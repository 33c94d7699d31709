import { expect, test } from 'vitest'
import { admin, startTestServer } from '../apiserver/testing/test-server.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb } from '../base/web-server.ts'
import { createClient, createInformers, inProcessTransport } from '../client/index.ts'
import { AskedPorts, EmbeddedPlane, embeddedEngine, openGateway } from '../gateway/index.ts'
import { customDefinition } from '../gateway/kinds/definition.ts'
import { Gateway } from '../gateway/kinds/index.ts'
import { tcpRouteDefinition } from '../gateway/kinds/tcp-route.ts'
import { CustomResourceDefinition } from '../models/kinds/index.ts'
import { startGatewayStatuses } from './gateway-statuses.ts'
import type { OutsideWorld } from './outside.ts'

test('where somebody’s older definition has no v1 of a kind of routes, all others are served and told of', async () => {
  await using server = await startTestServer()
  const client = createClient(inProcessTransport(server.api.handler, admin))
  const outside = { clock: systemClock, random: systemRandom, log: silentLogger }
  const { metadata, spec } = customDefinition(tcpRouteDefinition)
  const [version] = spec.versions
  await client.create(CustomResourceDefinition, {
    metadata: { name: metadata.name!, annotations: metadata.annotations! },
    spec: { ...spec, versions: [{ ...version!, name: 'v1alpha2' }] },
  })
  await using informers = createInformers({ client, ...outside })
  const at = { host: '127.0.0.1', port: 0 }
  await using gateway = await openGateway({
    ...{ ...outside, client, informers, engine: embeddedEngine, doors: { plain: at, held: true } },
    plane: new EmbeddedPlane({
      ...{ ...outside, listen: listenWeb, net: systemNet, ownCertificate: { cert: '', key: '' } },
    }),
  })
  await gateway.ready()
  await gateway.routesReady()
  await using _statuses = startGatewayStatuses({
    ...{ client, outside: outside as OutsideWorld, addresses: ['192.0.2.1'], acme: undefined },
    ...{ portTaken: () => () => undefined, asked: new AskedPorts(), engine: embeddedEngine },
  })
  await client.create(Gateway, {
    metadata: { namespace: 'default', name: 'edge' },
    spec: { gatewayClassName: 'optiflow', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  })
  await expect
    .poll(
      async () => (await client.get(Gateway, { namespace: 'default', name: 'edge' })).status?.conditions?.[0]?.status,
      { timeout: 30_000 },
    )
    .toBe('True')
})
