import type { Clock } from '../../../base/clock.ts'
import type { Net } from '../../../base/net.ts'
import {
  endpointSliceMirroringReconciler,
  endpointSliceReconciler,
  endpointsReconciler,
  loadBalancerReconciler,
  registrationCheckReconciler,
  serviceRegistrationReconciler,
} from '../../../discovery/index.ts'
import { AskedPorts, embeddedEngine, ingressStatusReconciler } from '../../../gateway/index.ts'
import {
  Endpoints,
  Ingress,
  IngressClass,
  Node,
  Pod,
  Service,
  ServiceRegistration,
} from '../../../models/kinds/index.ts'
import type { Stage, Story } from '../story.ts'
import { labels, named, pod } from './parts.ts'

const nodes = async ({ client, patch }: Stage) => {
  for (const name of ['node-1', 'node-2']) {
    await client.create(Node, { metadata: { name }, spec: {} })
    const addresses = [{ type: 'InternalIP', address: `192.0.2.${name.at(-1)}` }]
    await patch(Node, name, { status: { addresses, conditions: [{ type: 'Ready', status: 'True' }] } }, 'status')
  }
}

/** One address does not answer for some time; when that is depends on the clock alone. */
const illFor = (clock: Clock) =>
  ({
    async connect(address: string) {
      const minute = Math.floor((clock.now() - Date.UTC(2026, 0, 1)) / 60_000)
      if (address === '192.0.2.6' && minute === 1) throw new Error('connect ECONNREFUSED')
      return { destroy() {} }
    },
  }) as unknown as Net

export const networkStories: Story[] = [
  {
    name: 'a Service follows its pods',
    about: ['endpoints', 'endpoint-slice'],
    reconcilers: () => [endpointsReconciler(), endpointSliceReconciler()],
    acts: [
      async stage => {
        await nodes(stage)
        await stage.client.create(Service, {
          metadata: named('web'),
          spec: { selector: labels, ports: [{ port: 80 }] },
        })
        await stage.client.create(Pod, pod('a'))
      },
      ({ client }) => client.create(Pod, pod('b')),
      async ({ client, patch }) => {
        await client.delete(Pod, named('a'))
        await patch(Service, 'web', { spec: { ports: [{ port: 81 }] } })
      },
    ],
  },
  {
    name: 'a service outside is registered, moves, and is taken out',
    about: ['service-registration'],
    reconcilers: () => [serviceRegistrationReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(ServiceRegistration, {
          metadata: named('db'),
          spec: { addresses: ['192.0.2.5:5432', '192.0.2.6:5433'] },
        }),
      ({ patch }) => patch(ServiceRegistration, 'db', { spec: { addresses: ['192.0.2.7:5432'], port: 5000 } }),
      ({ client }) => client.delete(ServiceRegistration, named('db')),
    ],
  },
  {
    name: 'a service outside is asked whether it is well, falls ill, and is well again',
    about: ['registration-check', 'service-registration'],
    reconcilers: ({ clock }) => [serviceRegistrationReconciler(), registrationCheckReconciler(illFor(clock))],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(ServiceRegistration, {
          metadata: named('db'),
          spec: {
            addresses: ['192.0.2.5:5432', '192.0.2.6:5432'],
            check: { tcp: {}, intervalSeconds: 5, failureThreshold: 2 },
          },
        }),
      ({ pass }) => pass(180_000),
    ],
  },
  {
    name: 'addresses written by hand are mirrored',
    about: ['endpoint-slice-mirroring'],
    reconcilers: () => [endpointSliceMirroringReconciler()],
    acts: [
      async ({ client }) => {
        await client.create(Service, { metadata: named('web'), spec: { ports: [{ port: 80 }] } })
        const subsets = [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 80 }] }]
        await client.create(Endpoints, { metadata: named('web'), subsets })
      },
      ({ patch }) =>
        patch(Endpoints, 'web', { subsets: [{ addresses: [{ ip: '192.0.2.8' }], ports: [{ port: 80 }] }] }),
      ({ client }) => client.delete(Endpoints, named('web')),
    ],
  },
  {
    name: 'two Services want one port of the nodes, and the first gives it back',
    about: ['load-balancer'],
    reconcilers: () => [loadBalancerReconciler(new Map())],
    acts: [
      async stage => {
        await nodes(stage)
        for (const name of ['one', 'two'])
          await stage.client.create(Service, {
            metadata: named(name),
            spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80 }] },
          })
      },
      ({ client }) => client.delete(Service, named('one')),
    ],
  },
  {
    name: 'an Ingress is told where it is reached',
    about: ['ingress-status'],
    reconcilers: () => [ingressStatusReconciler(['192.0.2.1'], embeddedEngine, new AskedPorts())],
    acts: [
      async ({ client }) => {
        await client.create(IngressClass, {
          metadata: { name: 'optiflow' },
          spec: { controller: 'optiflow.dev/gateway' },
        })
        const backend = { service: { name: 'web', port: { number: 80 } } }
        await client.create(Ingress, {
          metadata: named('web'),
          spec: { ingressClassName: 'optiflow', defaultBackend: backend },
        })
      },
    ],
  },
]
