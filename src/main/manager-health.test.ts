import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, inProcessTransport } from '../client/index.ts'
import { ComponentStatus, Lease } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'
import { adminUser } from './identities.ts'
import { leaseCheck } from './manager-health.ts'

test('a part that stands for a Lease works while somebody holds it', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ controllers: false, scheduler: false, nodes: 0, clock })
  const { api } = cluster
  const client = createClient(inProcessTransport(api.handler, adminUser), clock)
  api.components.set('scheduler', leaseCheck(client, clock, 'kube-scheduler'))
  const told = async () => (await client.get(ComponentStatus, { name: 'scheduler' })).conditions
  const unhealthy = (error: string) => [{ type: 'Healthy', status: 'False', error }]
  expect(await told()).toEqual(unhealthy('nobody leads yet: there is no Lease kube-system/kube-scheduler'))
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z')
  await client.create(Lease, {
    metadata: { namespace: 'kube-system', name: 'kube-scheduler' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 5, renewTime },
  })
  expect(await told()).toEqual([{ type: 'Healthy', status: 'True', message: 'ok' }])
  await clock.advance(5_000)
  expect(await told()).toEqual(
    unhealthy(
      `nobody leads: the Lease kube-system/kube-scheduler was last renewed at ${renewTime}; see the logs of the servers`,
    ),
  )
})
