import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { timestamp } from '../base/clock.ts'
import { Deployment, Event, Pod, Workload } from '../models/kinds/index.ts'
import { abortAnnotation, promoteAnnotation, tryAnnotation } from '../models/workload-annotations.ts'
import { deploymentReconciler } from './deployment.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { workloadReconciler } from './workload.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate

beforeEach(async () => {
  fate = () => 'ready'
  cluster = await startTestCluster({
    reconcilers: [workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    fate: pod => fate(pod),
    garbageCollector: true,
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'shop' }
const get = () => cluster.client.get(Workload, key)
const message = async () => (await get()).status!.message!
const patch = (spec: object) => cluster.client.patch(Workload, key, { type: 'merge', body: { spec } })
const annotate = (annotations: object) =>
  cluster.client.patch(Workload, key, { type: 'merge', body: { metadata: { annotations } } })
/** The pods that live, by image, and in which order they are asked for does not matter. */
const pods = async (image: string) =>
  (await cluster.client.list(Pod, { namespace: 'default' })).items.filter(
    p => !p.metadata.deletionTimestamp && p.spec.containers[0]!.image === image,
  )
const poke = async () => {
  for (const { metadata } of [...(await pods('shop:1')), ...(await pods('shop:2'))])
    await cluster.client.patch(
      Pod,
      { namespace: 'default', name: metadata.name },
      { type: 'merge', body: { metadata: { annotations: { poke: '1' } } } },
    )
}
const counts = async () => [(await pods('shop:1')).length, (await pods('shop:2')).length]
const runs = (old: number, fresh: number) => async () => (await counts()).join() === `${old},${fresh}`
const deployments = async () =>
  (await cluster.client.list(Deployment, { namespace: 'default' })).items.map(d => d.metadata.name).sort()
const says = (text: string | RegExp) => async () => {
  const now = await message()
  return typeof text === 'string' ? now === text : text.test(now)
}
const rolledBack = async () => (await get()).status!.conditions!.find(c => c.type === 'RolledBack')

/** shop:1 runs well, with these manners of being updated. */
async function start(update: Workload['spec']['update'], replicas = 4): Promise<void> {
  const healthCheck = { http: { path: '/up' }, intervalSeconds: 5 }
  await cluster.client.create(Workload, {
    metadata: key,
    spec: { image: 'shop:1', replicas, ports: [{ port: 80 }], healthCheck, update: update! },
  })
  await cluster.until(says(`${replicas} of ${replicas} ready`), 20_000, get)
}

/** What the agent says of a pod whose health check fails. */
async function failChecks(pod: Pod, count: number): Promise<void> {
  const { name, namespace, uid } = pod.metadata
  const now = timestamp(cluster.clock)
  await cluster.client.create(Event, {
    metadata: { name: `${name}.${count}`, namespace: namespace! },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace: namespace!, uid },
    ...{ type: 'Warning', reason: 'Unhealthy', message: 'Readiness probe failed: HTTP 500', count },
    ...{ firstTimestamp: now, lastTimestamp: now },
  })
}

async function restart(pod: Pod, restartCount: number): Promise<void> {
  const { name, image } = pod.spec.containers[0]!
  const containerStatuses = [{ name, image: image!, imageID: '', ready: true, restartCount, state: { running: {} } }]
  await cluster.client.patch(
    Pod,
    { namespace: 'default', name: pod.metadata.name },
    { type: 'merge', body: { status: { containerStatuses } } },
    { subresource: 'status' },
  )
}

describe('a canary', () => {
  const steps = [{ replicas: 1 }, { percent: 50, pauseSeconds: 60 }]

  it('runs beside the old pods, waits to be promoted, goes on by itself, and then all pods are new', async () => {
    await start({ canary: { steps } })
    await patch({ image: 'shop:2' })
    const waiting = 'canary step 1 of 2: 1 of 4 pods runs shop:2; waits for "optiflow rollout promote shop"'
    await cluster.until(says(waiting), 20_000, get)
    await cluster.until(runs(3, 1), 20_000, counts)
    expect(await deployments()).toEqual(['shop', 'shop-canary'])
    await cluster.pass(60_000)
    expect(await counts()).toEqual([3, 1])

    const { revision } = (await get()).status!.rollout!
    await annotate({ [promoteAnnotation]: `${revision}/1` })
    await cluster.until(says(/^canary step 2 of 2: 2 of 4 pods run shop:2; goes on at 2026-01-01T/), 20_000, get)
    await cluster.until(runs(2, 2), 20_000, counts)
    await cluster.until(says('4 of 4 ready'), 90_000, get)
    await cluster.until(runs(0, 4), 20_000, counts)
    expect(await deployments()).toEqual(['shop'])
    expect((await get()).status).not.toHaveProperty('rollout')
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(
      items
        .filter(e => e.reason === 'CanaryAdvanced')
        .map(e => e.message)
        .sort(),
    ).toEqual(['Canary of shop:2 has passed step 1', 'Canary of shop:2 has passed step 2'])
  })

  it('never takes the last old pod away, follows the size, and ends when the change is taken back', async () => {
    await start({ canary: { steps: [{ percent: 100 }] } }, 1)
    await patch({ image: 'shop:2' })
    await cluster.until(runs(1, 1), 20_000, counts)
    await patch({ replicas: 4 })
    await cluster.until(runs(1, 4), 20_000, counts)
    await patch({ image: 'shop:1' })
    await cluster.until(runs(4, 0), 20_000, counts)
    await cluster.until(says('4 of 4 ready'), 20_000, get)
    expect(await deployments()).toEqual(['shop'])
  })

  it('is not needed for the first form, nor for a new size', async () => {
    await start({ canary: { steps } })
    await patch({ replicas: 2 })
    await cluster.until(says('2 of 2 ready'), 20_000, get)
    expect(await deployments()).toEqual(['shop'])
  })

  it('is promoted as a whole, and a promotion of another form promotes nothing', async () => {
    await start({ canary: { steps: [{ replicas: 1 }, { replicas: 2 }] } })
    await annotate({ [promoteAnnotation]: 'another' })
    await patch({ image: 'shop:2' })
    await cluster.until(says(/waits for/), 20_000, get)
    await annotate({ [promoteAnnotation]: (await get()).status!.rollout!.revision })
    await cluster.until(runs(0, 4), 60_000, counts)
  })

  it('is aborted, and tried again when somebody asks for it', async () => {
    await start({ canary: { steps } })
    await patch({ image: 'shop:2' })
    await cluster.until(says(/waits for/), 20_000, get)
    await annotate({ [abortAnnotation]: (await get()).status!.rollout!.revision })
    await cluster.until(says('4 of 4 ready; rolled back, shop:2 was aborted'), 20_000, get)
    await cluster.until(runs(4, 0), 20_000, counts)
    expect(await deployments()).toEqual(['shop'])
    await annotate({ [tryAnnotation]: '1' })
    await cluster.until(says(/^canary step 1 of 2: 1 of 4 pods runs shop:2; waits for/), 20_000, get)
    expect((await rolledBack())!.status).toBe('False')
  })

  it('that never becomes ready goes back by itself, or waits and says why', async () => {
    fate = pod => (pod.spec.containers[0]!.image === 'shop:2' ? 'running' : 'ready')
    await start({ canary: { steps }, readyWithinSeconds: 30 })
    await patch({ image: 'shop:2' })
    await cluster.until(
      says('canary step 1 of 2: 1 of 4 pods runs shop:2; held, made no progress for 30 s'),
      60_000,
      get,
    )
    expect(await counts()).toEqual([4, 1])
    await patch({ update: { autoRollback: true } })
    await cluster.until(says(/^4 of 4 ready; rolled back, shop:2 made no progress for 30 s/), 20_000, get)
    await cluster.until(runs(4, 0), 20_000, counts)
  })

  it('goes back when more of its health checks fail than is put up with, though it stays ready', async () => {
    await start({ autoRollback: true, canary: { steps }, maxErrorPercent: 20 })
    fate = pod => (pod.spec.containers[0]!.image === 'shop:2' ? 'running' : 'ready')
    await patch({ image: 'shop:2' })
    await cluster.until(runs(4, 1), 20_000, counts)
    const [canary] = await pods('shop:2')
    // While it starts, failing checks are nothing.
    await failChecks(canary!, 50)
    fate = () => 'ready'
    await poke()
    await cluster.until(says(/waits for/), 20_000, get)
    await cluster.pass(100_000)
    await failChecks(canary!, 6)
    await cluster.pass(20_000)
    expect(await message()).toMatch(/waits for/)
    await failChecks(canary!, 7)
    await cluster.until(
      says(/^4 of 4 ready; rolled back, shop:2 had 13 of \d+ health checks of new pods failed$/),
      20_000,
      get,
    )
    await cluster.until(runs(4, 0), 20_000, counts)
    expect((await rolledBack())!.reason).toBe('HealthCheckFailing')
  })
})

describe('an update that is watched', () => {
  it('goes back when new pods restart after they were ready', async () => {
    await start({ autoRollback: true, watchSeconds: 120 }, 2)
    await patch({ image: 'shop:2' })
    await cluster.until(says(/^2 of 2 ready, watched until 2026-01-01T/), 20_000, get)
    await cluster.pass(90_000)
    const [pod] = await pods('shop:2')
    await restart(pod!, 1)
    await cluster.until(says('2 of 2 ready; rolled back, shop:2 had 1 restart of 2 new pods'), 30_000, get)
    await cluster.until(runs(2, 0), 20_000, counts)
    expect((await rolledBack())!.reason).toBe('Restarting')
  })

  it('is good when the time is over: later troubles are those of the app', async () => {
    await start({ autoRollback: true }, 2)
    await patch({ image: 'shop:2' })
    await cluster.until(says(/watched until/), 20_000, get)
    await cluster.until(says('2 of 2 ready'), 70_000, get)
    const [pod] = await pods('shop:2')
    await restart(pod!, 5)
    await cluster.pass(120_000)
    expect([await counts(), await rolledBack()]).toEqual([[0, 2], undefined])
  })
})

it('a canary that makes no sense is refused with the reason', async () => {
  const create = (update: object) =>
    cluster.client.create(Workload, { metadata: key, spec: { image: 'shop:1', update } })
  await expect(create({ canary: { steps: [] } })).rejects.toThrow('spec.update.canary.steps: Required value')
  await expect(create({ canary: { steps: [{ percent: 10, replicas: 1 }] } })).rejects.toThrow(
    'spec.update.canary.steps[0].replicas: Forbidden: may not be specified together with `percent`',
  )
  await expect(create({ canary: { steps: [{ percent: 101 }] } })).rejects.toThrow(
    'must be between 1 and 100, inclusive',
  )
  await expect(create({ strategy: 'Recreate', canary: { steps: [{ replicas: 1 }] } })).rejects.toThrow(
    "spec.update.canary: Forbidden: may not be specified when strategy is 'Recreate'",
  )
})
