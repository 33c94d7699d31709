import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { timestamp } from '../base/clock.ts'
import { Deployment, Node, Pod, Service, Workload } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { problemOf, worstProblem } from '../models/pod-problem.ts'
import type { ContainerStatus } from '../models/types/core-v1.ts'
import { deploymentReconciler } from './deployment.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { pod as podFixture } from './testing/fixtures.ts'
import { workloadReconciler } from './workload.ts'

let cluster: TestCluster
let fate: PodFate

beforeEach(async () => {
  fate = 'ready'
  cluster = await startTestCluster({
    reconcilers: [workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    fate: () => fate,
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'hello' }
const hello = (spec: Partial<Workload['spec']> = {}): Draft<Workload> => ({
  metadata: key,
  spec: { image: 'hello:1', replicas: 3, ports: [{ port: 80, targetPort: 8080 }], ...spec },
})
const get = () => cluster.client.get(Workload, key)
const deployment = () => cluster.client.get(Deployment, key)
const condition = async (type: string) => (await get()).status?.conditions?.find(c => c.type === type)
const patch = (spec: object) => cluster.client.patch(Workload, key, { type: 'merge', body: { spec } })
const isReady = async () => {
  const { status, metadata } = await get()
  return status?.observedGeneration === metadata.generation && (await condition('Ready'))?.status === 'True'
}

describe('a Workload', () => {
  it('becomes a Deployment and a Service, and says that all is well', async () => {
    await cluster.client.create(
      Workload,
      hello({ env: [{ name: 'A', value: '1' }], healthCheck: { http: { path: '/up' } } }),
    )
    await cluster.until(isReady, 20_000, get)
    const { status } = await get()
    expect(status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      selector: 'optiflow.dev/workload=hello',
      message: '3 of 3 ready',
    })
    const { spec, metadata } = await deployment()
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'Workload', name: 'hello', controller: true }])
    expect(spec.template.spec!.containers).toMatchObject([
      {
        name: 'hello',
        image: 'hello:1',
        env: [{ name: 'A', value: '1' }],
        ports: [{ containerPort: 8080, protocol: 'TCP' }],
        readinessProbe: { httpGet: { path: '/up', port: 8080 } },
        livenessProbe: { httpGet: { path: '/up', port: 8080 } },
      },
    ])
    const service = await cluster.client.get(Service, key)
    expect(service.spec).toMatchObject({
      selector: { 'optiflow.dev/workload': 'hello' },
      ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
    })
  })

  it('follows changes, also of what is taken out of it', async () => {
    await cluster.client.create(Workload, hello({ command: ['sleep', '1'] }))
    await cluster.until(isReady)
    await patch({ image: 'hello:2', command: null, replicas: 1 })
    await cluster.until(async () => (await deployment()).spec.template.spec!.containers[0]!.image === 'hello:2')
    expect((await deployment()).spec.template.spec!.containers[0]!.command).toBeUndefined()
    await cluster.until(isReady, 20_000, get)
    expect((await get()).status!.message).toBe('1 of 1 ready')
    await patch({ ports: null })
    await cluster.until(() =>
      cluster.client.get(Service, key).then(
        () => false,
        () => true,
      ),
    )
  })

  it('takes back what others change in its parts, and leaves alone what it does not speak of', async () => {
    await cluster.client.create(Workload, hello())
    await cluster.until(isReady)
    await cluster.client.patch(Deployment, key, {
      type: 'merge',
      body: { metadata: { annotations: { note: 'mine' } }, spec: { replicas: 7, minReadySeconds: 5 } },
    })
    await cluster.until(async () => (await deployment()).spec.replicas === 3)
    expect((await deployment()).metadata.annotations!['note']).toBe('mine')
    expect((await deployment()).spec.minReadySeconds).toBe(5)
    await cluster.client.delete(Service, key)
    await cluster.until(() =>
      cluster.client.get(Service, key).then(
        () => true,
        () => false,
      ),
    )
  })

  it('says where it answers', async () => {
    await cluster.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
    const now = timestamp(cluster.clock)
    await cluster.client.patch(
      Node,
      { name: 'n1' },
      {
        type: 'merge',
        body: {
          status: {
            addresses: [{ type: 'InternalIP', address: '192.0.2.5' }],
            conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }],
          },
        },
      },
      { subresource: 'status' },
    )
    await cluster.client.create(Workload, hello({ expose: { type: 'NodePort', nodePort: 30080 } }))
    await cluster.until(async () => (await get()).status?.url === 'http://192.0.2.5:30080', 20_000, get)
    await patch({ expose: { host: 'hello.example.com' } })
    await cluster.until(async () => (await get()).status?.url === 'http://hello.example.com', 20_000, get)
  })

  it('says why it is not ready', async () => {
    fate = 'running'
    await cluster.client.create(Workload, hello())
    await cluster.until(
      async () =>
        (await condition('Ready'))?.reason === 'HealthCheckFailing' ||
        (await get()).status?.message === 'starting: 0 of 3 ready',
      20_000,
      get,
    )
    const [pod] = (await cluster.client.list(Pod, { namespace: 'default' })).items
    const containerStatuses: ContainerStatus[] = [
      {
        name: 'hello',
        image: 'hello:1',
        imageID: '',
        ready: false,
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'no config\ncannot open /etc/app' } },
      },
    ]
    await cluster.client.patch(
      Pod,
      { namespace: 'default', name: pod!.metadata.name },
      { type: 'merge', body: { status: { containerStatuses } } },
      { subresource: 'status' },
    )
    await cluster.until(async () => (await condition('Ready'))?.reason === 'CrashLoopBackOff', 20_000, get)
    expect((await get()).status!.message).toBe(
      '1 of 3 pods: container "hello" keeps ending with exit code 3, restarted 4 times: cannot open /etc/app',
    )
  })

  it('does not take over a Deployment of its name that is somebody else’s', async () => {
    const labels = { app: 'theirs' }
    await cluster.client.create(Deployment, {
      metadata: key,
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'm', image: 'theirs' }] } },
      },
    })
    await cluster.client.create(Workload, hello())
    await cluster.until(async () => (await condition('Ready'))?.reason === 'NameTaken', 20_000, get)
    expect((await get()).status!.message).toContain(
      'Deployment default/hello exists and does not belong to this Workload',
    )
    expect((await deployment()).spec.template.spec!.containers[0]!.image).toBe('theirs')
  })
})

describe('the problem of a pod', () => {
  const waiting = (reason: string, message?: string) => {
    const pod = podFixture({ name: 'p' })
    pod.status!.containerStatuses![0]!.state = { waiting: { reason, ...(message ? { message } : {}) } }
    return pod
  }
  it('is its image, its start, its crash, or the want of a node', () => {
    expect(problemOf(waiting('ImagePullBackOff', 'manifest unknown'))).toMatchObject({
      reason: 'ImagePullBackOff',
      message: 'image "app:1" cannot be pulled: manifest unknown',
    })
    expect(problemOf(waiting('ImagePullBackOff', 'Back-off pulling image "app:1": manifest unknown'))).toMatchObject({
      message: 'image "app:1" cannot be pulled: manifest unknown',
    })
    expect(problemOf(waiting('CreateContainerConfigError', 'secret "x" not found'))).toMatchObject({
      message: 'container "main" cannot be started: secret "x" not found',
    })
    expect(problemOf(waiting('ContainerCreating'))).toBeUndefined()
    const unscheduled = podFixture({ name: 'p', phase: 'Pending' })
    unscheduled.status!.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/3 nodes are available: 3 Insufficient cpu.',
      },
    ]
    expect(problemOf(unscheduled)).toMatchObject({
      reason: 'Unschedulable',
      message: '0/3 nodes are available: 3 Insufficient cpu.',
    })
    expect(worstProblem([unscheduled, waiting('ErrImagePull', 'no route')])!.message).toBe(
      '1 of 2 pods: image "app:1" cannot be pulled: no route',
    )
  })
})
