import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { Reconciler } from '../client/index.ts'
import { ConfigMap, Deployment, Namespace } from '../models/kinds/index.ts'
import { NotInTime } from './awaited.ts'
import { ControlPlane, ControlPlaneClosed } from './control-plane.ts'

const bare = { nodes: 0, controllers: false, scheduler: false }
const key = { namespace: 'default', name: 'web' }
const web = (image = 'web:1') => ({
  metadata: key,
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: {
        labels: { app: 'web' },
        annotations: { 'simulated.optiflow.dev/pull-error': image === 'web:1' ? '' : 'no such image' },
      },
      spec: { containers: [{ name: 'c', image }] },
    },
  },
})

test('a test waits for what it wants to see, in virtual time, and for the end of it', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ clock })
  await cluster.client.create(Deployment, web())
  const ready = await cluster.until(Deployment, key, ({ status }) => status?.readyReplicas === 2)
  expect(ready.status?.replicas).toBe(2)
  await cluster.client.delete(Deployment, key)
  await cluster.untilGone(Deployment, key)
})

test('what does not come in time is told with how the object is, why, and what the assertion said', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ clock })
  await expect(cluster.until(Deployment, key, undefined, { timeoutMs: 2_000 })).rejects.toThrow(
    /^Deployment default\/web was not as awaited within 2 s:\n {2}there is none/,
  )
  await cluster.client.create(Deployment, web('nowhere/web:9'))
  const readyReplicas = ({ status }: Deployment) => {
    expect(status?.readyReplicas).toBe(2)
    return true
  }
  const failure = await cluster.until(Deployment, key, readyReplicas, { timeoutMs: 5_000 }).catch(error => error)
  expect(failure).toBeInstanceOf(NotInTime)
  expect(failure.message).toContain('the last look said: expected undefined to be 2')
  expect(failure.message).toMatch(/0 of 2 replicas/)
})

test('a reconciler that writes what it does not declare is named where a test waits for it in vain', async () => {
  const undeclared: Reconciler = {
    name: 'marker',
    primary: Namespace,
    writes: [],
    async reconcile({ name }, { client }) {
      if (name === 'default') await client.create(ConfigMap, { metadata: key })
    },
  }
  const clock = new VirtualClock()
  const wait = async (strict?: boolean) => {
    await using cluster = await ControlPlane.start({
      ...{ ...bare, clock, reconcilers: [undeclared] },
      ...(strict === undefined ? {} : { strict }),
    })
    return await cluster.until(ConfigMap, key, undefined, { timeoutMs: 1_000 })
  }
  await expect(wait()).rejects.toThrow(/reconciler marker failed: reconciler "marker" writes owned of v1 ConfigMap/)
  expect((await wait(false)).metadata.name).toBe('web')
})

test('who waits is let go when the control plane is closed, by real time too', async () => {
  const cluster = await ControlPlane.start(bare)
  const waits = expect(cluster.until(ConfigMap, key)).rejects.toThrow(ControlPlaneClosed)
  await cluster[Symbol.asyncDispose]()
  await waits
  await using other = await ControlPlane.start(bare)
  await expect(other.until(ConfigMap, key, undefined, { timeoutMs: 50 })).rejects.toThrow(NotInTime)
})

test('manifests are applied as text, custom resources after their definition; what is wrong is named', async () => {
  await using cluster = await ControlPlane.start(bare)
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: boats.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: boats, kind: Boat }
  versions:
  - name: v1
    served: true
    storage: true
    schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { sails: { type: integer } } } } } }
`
  const boat = 'apiVersion: example.com/v1\nkind: Boat\nmetadata: { name: ann }\nspec: { sails: 2 }\n'
  await expect(cluster.apply(boat)).rejects.toThrow('example.com/v1 has no kind Boat here')
  const [, ann] = await cluster.apply(`${definition}---\n${boat}`)
  expect(ann).toMatchObject({ kind: 'Boat', metadata: { namespace: 'default', name: 'ann' }, spec: { sails: 2 } })
  const [changed] = await cluster.apply([
    { ...JSON.parse(JSON.stringify(ann)), metadata: { name: 'ann' }, spec: { sails: 3 } },
  ])
  expect(changed).toMatchObject({ spec: { sails: 3 } })
  await expect(cluster.apply('apiVersion: v1\nkind: ConfigMap\n')).rejects.toThrow(
    'object 1 of the manifest, a ConfigMap, has no metadata.name',
  )
  await expect(cluster.apply('apiVersion: v1\nkind: ConfigMpa\nmetadata: { name: a }')).rejects.toMatchObject({
    hint: 'Did you mean ConfigMap?',
  })
})
