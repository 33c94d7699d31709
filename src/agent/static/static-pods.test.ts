import { afterEach, describe, expect, it } from 'vitest'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import { Fixture } from '../testing/fixture.ts'
import { staticPod } from './manifest.ts'

const files = new Map<string, string>()
const disk: Disk = {
  ...systemDisk,
  list: async () => [...files.keys()].map(name => ({ name, isDirectory: () => false })) as never,
  readText: async path => files.get(path.split('/').at(-1)!)!,
  watch: async () => {},
}
const web = (image = 'registry/web:1') => `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: ${image} }]
`

let fixture: Fixture
afterEach(async () => {
  await fixture[Symbol.asyncDispose]()
  files.clear()
})
const start = async (manifests: Record<string, string>) => {
  for (const [name, text] of Object.entries(manifests)) files.set(name, text)
  fixture = await new Fixture({ disk, staticPodFolder: '/manifests' }).start()
  await fixture.advance(3_000)
  return fixture
}
const key = { namespace: 'default', name: 'web-node-1' }
const mirror = () => fixture.api.find(Pod, key)
const running = async () =>
  (await fixture.runtime.observe()).flatMap(pod =>
    pod.containers.filter(c => c.state === 'running').map(c => `${pod.name} ${c.image}`),
  )

describe('a pod in the node’s own folder', () => {
  it('runs, and is shown in the API under the name of its node', async () => {
    const f = await start({ 'web.yaml': web(), '.web.yaml.swp': 'x', 'notes.txt': 'not a pod' })
    expect(await running()).toEqual(['web-node-1 registry/web:1'])
    const shown = mirror()!
    const hash = shown.metadata.annotations!['kubernetes.io/config.hash']
    expect(shown).toMatchObject({
      metadata: {
        labels: { app: 'web' },
        annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': hash },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', controller: true }],
      },
      spec: { nodeName: 'node-1', tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] },
      status: { phase: 'Running', containerStatuses: [{ name: 'main', ready: true }] },
    })
    expect((await f.observed('web-node-1'))!.uid).toBe(hash)
  })

  it('comes back to the API when somebody deletes it there, and no container notices', async () => {
    const f = await start({ 'web.yaml': web() })
    const before = mirror()!.metadata.uid
    const [container] = (await f.observed('web-node-1'))!.containers
    await f.api.client.delete(Pod, key, {})
    await f.advance(3_000)
    expect(mirror()!.metadata.uid).not.toBe(before)
    expect(mirror()!.metadata.deletionTimestamp).toBeUndefined()
    expect(mirror()!.status!.phase).toBe('Running')
    expect((await f.observed('web-node-1'))!.containers).toEqual([container])
  })

  it('is another pod when its file says something else, one after the other', async () => {
    const f = await start({ 'web.yaml': web() })
    files.set('web.yaml', web('registry/web:2'))
    await f.advance(25_000)
    expect(await running()).toEqual(['web-node-1 registry/web:2'])
    expect(mirror()!.spec.containers[0]!.image).toBe('registry/web:2')
    expect(mirror()!.status!.phase).toBe('Running')
  })

  it('ends with its file, and its record goes', async () => {
    const f = await start({ 'web.yaml': web() })
    files.clear()
    await f.advance(25_000)
    expect(await running()).toEqual([])
    expect(mirror()).toBeUndefined()
  })

  it('is shown until its containers have ended, and not anew when somebody deletes it meanwhile', async () => {
    const stubborn = web()
      .replace('labels:', 'annotations: { simulated.optiflow.dev/ignore-sigterm: "true" }, labels:')
      .replace('GracePeriodSeconds: 1', 'GracePeriodSeconds: 60')
    const f = await start({ 'web.yaml': stubborn, 'other.yaml': stubborn.replace('name: web', 'name: other') })
    const before = mirror()!.metadata.uid
    files.clear()
    await f.advance(25_000)
    expect(await running()).toHaveLength(2)
    expect([mirror()?.metadata.uid, mirror()?.status?.phase]).toEqual([before, 'Running'])
    await f.api.client.delete(Pod, { namespace: 'default', name: 'other-node-1' }, { gracePeriodSeconds: 0 })
    await f.advance(20_000)
    expect(f.api.find(Pod, { namespace: 'default', name: 'other-node-1' })).toBeUndefined()
    expect(mirror()?.metadata.uid).toBe(before)
    await f.advance(40_000)
    expect(await running()).toEqual([])
    expect(mirror()).toBeUndefined()
  })

  it('runs while no server answers, and goes on when its agent is replaced', async () => {
    files.set('web.yaml', web())
    fixture = new Fixture({ disk, staticPodFolder: '/manifests' })
    fixture.api.away = true
    await fixture.start()
    await fixture.advance(5_000)
    const [container] = (await fixture.observed('web-node-1'))!.containers
    expect(container!.state).toBe('running')
    fixture.api.away = false
    await fixture.advance(10_000)
    expect(mirror()!.status!.phase).toBe('Running')
    const { uid } = mirror()!.metadata
    await fixture.restartAgent()
    await fixture.advance(5_000)
    expect((await fixture.observed('web-node-1'))!.containers).toEqual([container])
    expect(mirror()!.metadata.uid).toBe(uid)
  })
})

describe('a file that is no pod for a node', () => {
  it.each([
    ['kind: Service\napiVersion: v1', /holds v1\/Service, not one v1\/Pod/],
    ['{', /cannot be read/],
    ['apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {containers: []}', /metadata.name: Required value/],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}', /spec.containers: Required value/],
    [`${web()}  serviceAccountName: x`, /spec.serviceAccountName: Forbidden/],
    [`${web()}  volumes: [{name: a, configMap: {name: b}}]`, /spec.volumes\[0\]: Forbidden/],
  ])('is refused: %j', (text, message) => {
    expect(() => staticPod('/manifests/a.yaml', text, 'node-1', 0)).toThrow(message)
  })
})
