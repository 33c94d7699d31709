import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Deployment, Event, Pod, ReplicaSet } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { deploymentReconciler } from './deployment.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate

beforeEach(async () => {
  fate = () => 'ready'
  cluster = await startTestCluster({
    reconcilers: [deploymentReconciler(), replicaSetReconciler()],
    fate: pod => fate(pod),
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'web' }

function web(spec: Partial<Deployment['spec']> = {}): Draft<Deployment> {
  return {
    metadata: { ...key, annotations: { 'kubernetes.io/change-cause': 'first' } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: template('app:1'),
      ...spec,
    },
  }
}

function template(image: string) {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image }] } }
}

const get = () => cluster.client.get(Deployment, key)
const sets = async () => (await cluster.client.list(ReplicaSet, { namespace: 'default' })).items
const pods = async () => (await cluster.client.list(Pod, { namespace: 'default' })).items
const image = (o: { spec?: any }) => (o.spec.template ?? o).spec.containers[0].image
const progressing = (d: Deployment) => d.status?.conditions?.find(c => c.type === 'Progressing')

async function setImage(name: string): Promise<void> {
  const body = { spec: { template: template(name) } }
  await cluster.client.patch(Deployment, key, { type: 'strategic', body })
}

const rolledOut = async (name: string, count = 3) => {
  const d = await get()
  const { status = {}, metadata } = d
  return (
    image(d) === name &&
    status.observedGeneration === metadata.generation &&
    status.updatedReplicas === count &&
    status.replicas === count &&
    status.availableReplicas === count
  )
}

describe('a Deployment', () => {
  it('comes up, with revision 1 and both conditions true', async () => {
    await cluster.client.create(Deployment, web())
    await cluster.until(() => rolledOut('app:1'), 20_000, get)
    await cluster.until(async () => progressing(await get())?.reason === 'NewReplicaSetAvailable', 5_000, get)
    const [set, ...others] = await sets()
    expect(others).toEqual([])
    const hash = set!.metadata.labels!['pod-template-hash']!
    expect(set!.metadata.name).toBe(`web-${hash}`)
    expect(set!.metadata.annotations).toEqual({
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
      'deployment.kubernetes.io/revision': '1',
      'kubernetes.io/change-cause': 'first',
    })
    const d = await get()
    expect(d.metadata.annotations!['deployment.kubernetes.io/revision']).toBe('1')
    expect(d.metadata.generation).toBe(1)
    expect(d.status!.conditions!.map(c => [c.type, c.status, c.reason, c.message])).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'],
      ['Progressing', 'True', 'NewReplicaSetAvailable', `ReplicaSet "web-${hash}" has successfully progressed.`],
    ])
    const made = await pods()
    expect(made).toHaveLength(3)
    expect(made.every(p => p.metadata.name.startsWith(`web-${hash}-`))).toBe(true)
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => `${e.reason}: ${e.message}`)).toContain(
      `ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3`,
    )
    expect(items.filter(e => e.reason === 'SuccessfulCreate')).toHaveLength(3)
  })

  it('rolls a new image out without ever missing more or having more pods than allowed, and back', async () => {
    await cluster.client.create(
      Deployment,
      web({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } } }),
    )
    await cluster.until(() => rolledOut('app:1', 10))
    await setImage('app:2')
    const seen = { most: 0, fewest: 10 }
    await cluster.until(async () => {
      const now = (await pods()).filter(p => !p.metadata.deletionTimestamp)
      const ready = now.filter(p => p.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True'))
      seen.most = Math.max(seen.most, now.length)
      seen.fewest = Math.min(seen.fewest, ready.length)
      return rolledOut('app:2', 10)
    })
    expect(seen.most).toBeLessThanOrEqual(12)
    expect(seen.fewest).toBeGreaterThanOrEqual(9)
    await setImage('app:1')
    await cluster.until(() => rolledOut('app:1', 10))
    const [first, second] = (await sets()).sort((a, b) => (image(a) < image(b) ? -1 : 1))
    expect([first!.spec.replicas, second!.spec.replicas]).toEqual([10, 0])
    expect(first!.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    expect((await get()).metadata.annotations!['deployment.kubernetes.io/revision']).toBe('3')
  })

  it('rolls over to a third template when the second never becomes ready', async () => {
    fate = pod => (image(pod) === 'app:bad' ? 'running' : 'ready')
    await cluster.client.create(Deployment, web())
    await cluster.until(() => rolledOut('app:1'))
    await setImage('app:bad')
    await cluster.until(async () => (await pods()).some(p => image(p) === 'app:bad'))
    await setImage('app:3')
    await cluster.until(() => rolledOut('app:3'), 60_000, get)
    expect((await pods()).map(image)).toEqual(['app:3', 'app:3', 'app:3'])
  })

  it('says that it is stuck when nothing moves until the deadline, and recovers', async () => {
    fate = pod => (image(pod) === 'app:bad' ? 'running' : 'ready')
    await cluster.client.create(Deployment, web({ progressDeadlineSeconds: 30 }))
    await cluster.until(() => rolledOut('app:1'))
    await setImage('app:bad')
    await cluster.until(async () => progressing(await get())?.reason === 'ProgressDeadlineExceeded', 60_000, get)
    const stuck = (await sets()).find(s => image(s) === 'app:bad')!
    expect(progressing(await get())).toMatchObject({
      status: 'False',
      message: `ReplicaSet "${stuck.metadata.name}" has timed out progressing.`,
    })
    await setImage('app:1')
    await cluster.until(async () => progressing(await get())?.reason === 'NewReplicaSetAvailable', 60_000, get)
  })

  it('with Recreate has no new pod before the last old one is gone', async () => {
    await cluster.client.create(Deployment, web({ strategy: { type: 'Recreate' } }))
    await cluster.until(() => rolledOut('app:1'))
    await setImage('app:2')
    let mixed = false
    await cluster.until(async () => {
      const images = new Set((await pods()).map(image))
      mixed ||= images.size > 1
      return rolledOut('app:2')
    })
    expect(mixed).toBe(false)
  })

  it('paused takes no new template, but a new size; resumed goes on', async () => {
    await cluster.client.create(Deployment, web())
    await cluster.until(() => rolledOut('app:1'))
    await cluster.client.patch(Deployment, key, {
      type: 'strategic',
      body: { spec: { paused: true, replicas: 5, template: template('app:2') } },
    })
    await cluster.until(async () => (await pods()).length === 5)
    await cluster.pass(5_000)
    expect(new Set((await pods()).map(image))).toEqual(new Set(['app:1']))
    expect(progressing(await get())).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' })
    await cluster.client.patch(Deployment, key, { type: 'merge', body: { spec: { paused: false } } })
    await cluster.until(() => rolledOut('app:2', 5))
    await cluster.until(async () => progressing(await get())?.reason === 'NewReplicaSetAvailable')
  })

  it('goes back by the annotation of old clients, to a revision or the one before, and says what came of it', async () => {
    await cluster.client.create(Deployment, web())
    await cluster.until(() => rolledOut('app:1'))
    await setImage('app:2')
    await cluster.until(() => rolledOut('app:2'))
    const wish = async (revision: string) => {
      const annotations = { 'deprecated.deployment.rollback.to': revision }
      await cluster.client.patch(Deployment, key, { type: 'merge', body: { metadata: { annotations } } })
      const isOver = async () => !(await get()).metadata.annotations!['deprecated.deployment.rollback.to']
      await cluster.until(isOver, 20_000, get)
    }
    const told = async () =>
      (await cluster.client.list(Event, { namespace: 'default' })).items
        .filter(e => e.reason?.startsWith('DeploymentRollback'))
        .map(e => e.message)
    await wish('0')
    await cluster.until(() => rolledOut('app:1'))
    expect((await get()).metadata.annotations!['deployment.kubernetes.io/revision']).toBe('3')
    await wish('2')
    await cluster.until(() => rolledOut('app:2'))
    await wish('4')
    await wish('99')
    await cluster.pass(1_000)
    expect((await told()).sort()).toEqual([
      'Rolled back deployment "web" to revision 1',
      'Rolled back deployment "web" to revision 2',
      'The rollback revision contains the same template as current deployment "web"',
      'Unable to find the revision to rollback to.',
    ])
  })

  it('keeps only as many old revisions as asked for', async () => {
    await cluster.client.create(Deployment, web({ revisionHistoryLimit: 1 }))
    for (const n of [1, 2, 3, 4]) {
      await setImage(`app:${n}`)
      await cluster.until(() => rolledOut(`app:${n}`))
    }
    await cluster.until(async () => (await sets()).length === 2)
    expect((await sets()).map(image).sort()).toEqual(['app:3', 'app:4'])
  })

  it('adopts a matching orphan set with its template instead of making one', async () => {
    const labels = { app: 'web', 'pod-template-hash': 'mine' }
    await cluster.client.create(ReplicaSet, {
      metadata: { namespace: 'default', name: 'web-mine', labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { ...template('app:1'), metadata: { labels } },
      },
    })
    await cluster.client.create(Deployment, web())
    await cluster.until(() => rolledOut('app:1'))
    const [set, ...others] = await sets()
    expect([set!.metadata.name, set!.metadata.ownerReferences![0]!.name, others]).toEqual(['web-mine', 'web', []])
  })

  it('takes another name when its own is taken by a stranger', async () => {
    await cluster.client.create(Deployment, web({ replicas: 1 }))
    await cluster.until(() => rolledOut('app:1', 1))
    const [{ metadata }] = (await sets()) as [ReplicaSet]
    const own = { namespace: 'default', name: metadata.name }
    await cluster.client.delete(Deployment, key)
    await cluster.client.delete(ReplicaSet, own)
    await cluster.until(() => !cluster.informers.for(Deployment).get(key))
    await cluster.client.create(ReplicaSet, {
      metadata: own,
      spec: {
        replicas: 0,
        selector: { matchLabels: { foreign: 'yes' } },
        template: { ...template('app:1'), metadata: { labels: { foreign: 'yes' } } },
      },
    })
    await cluster.client.create(Deployment, web({ replicas: 1 }))
    await cluster.until(() => rolledOut('app:1', 1), 20_000, get)
    expect((await get()).status!.collisionCount).toBe(1)
    expect((await sets()).length).toBe(2)
  })
})
