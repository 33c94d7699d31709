import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from './support/lan.ts'
import { startLoad } from './support/load.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { onPath, type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible() ?? (onPath('haproxy') ? undefined : 'no haproxy to make an image from')
/** Through Services, half of it at each node, and as many through the gateway; ZERO_DROPPED_RATE asks for another. What the machine gave is printed. */
const perSecond = Number(process.env['ZERO_DROPPED_RATE'] ?? 1_000)
const rolls = 10

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`no request is dropped${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let n1: Parts
  let n2: Parts
  let registry: Started

  beforeAll(async () => {
    lan = await openLan(['n1', 'n2'])
    n1 = new Parts(lan.machines['n1']!, lan.folder)
    n2 = new Parts(lan.machines['n2']!, lan.folder)
    registry = await testRegistry(n1.machine, 5000)
    const mirror = ['--registry-mirror', 'registry.test=http://10.77.0.11:5000']
    const up = ['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1']
    await n1.start('up', [...up, '--kubeconfig', n1.kubeconfig, ...mirror], 'The API answers at')
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    const join = ['--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2', ...mirror]
    await n2.start('agent', ['--data-dir', n2.dataDir, ...join], '✔ network')
    await n1.apply(...web('1'))
    await until('four ready pods', async () => (await n1.pods('app=web')).filter(isReady).length === 4)
  })

  afterAll(async () => {
    await n2?.[Symbol.asyncDispose]()
    await n1?.[Symbol.asyncDispose]()
    await registry?.stop()
    await lan?.[Symbol.asyncDispose]()
  })

  const web = (version: string): object[] => [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                ...{ name: 'web', image: `registry.test/swift:${version}` },
                readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
                // As Kubernetes advises: whoever has not heard yet that the pod ends is still answered.
                lifecycle: { preStop: { sleep: { seconds: 3 } } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', namespace: 'default' },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    },
  ]
  const targets = [
    { name: 'Service, node n1', url: 'http://10.77.0.11:30080/', width: 128, perSecond: perSecond / 2 },
    { name: 'Service, node n2', url: 'http://10.77.0.12:30080/', width: 128, perSecond: perSecond / 2 },
    { name: 'gateway', url: 'http://10.77.0.11/', host: 'web.test', keep: true, width: 128 },
  ]

  /** Puts load on all ways while `work` is done. */
  async function underLoad(what: string, work: () => Promise<unknown>): Promise<void> {
    const load = await startLoad(lan.outside, perSecond, targets)
    await work()
    const results = await load.stop()
    for (const { name, got, perSecond, p99Ms, slowestMs, processorMicros, errors } of results)
      console.log(
        `${what}, ${name}: ${JSON.stringify(got)} at ${perSecond} requests/s, p99 ${p99Ms} ms, slowest ${slowestMs} ms, asking took ${processorMicros} µs each ${errors.join('; ')}`,
      )
    expect(results.map(r => Object.keys(r.got))).toEqual(targets.map(() => ['ok']))
  }
  const rolledOut = () =>
    n1.machine.ok('kubectl', ['rollout', 'status', 'deployment/web', '--timeout=120s'], {
      env: { PATH: process.env['PATH'], HOME: lan.folder, KUBECONFIG: n1.kubeconfig },
      timeoutMs: 150_000,
    })

  it(`while a Deployment rolls ${rolls} times`, async () => {
    await underLoad(`${rolls} rolls`, async () => {
      for (let roll = 0; roll < rolls; roll++) {
        await n1.apply(...web(roll % 2 ? '1' : '2'))
        await rolledOut()
      }
    })
  })

  it('while pods are deleted', async () => {
    await underLoad('pods deleted', async () => {
      for (let i = 0; i < 4; i++) {
        const [pod] = await n1.pods('app=web')
        await n1.kubectl('delete', 'pod', pod.metadata.name)
        await rolledOut()
      }
    })
  })

  it('while a node is drained', async () => {
    await underLoad('a node drained', async () => {
      await n1.kubectl('drain', 'n2', '--ignore-daemonsets', '--force', '--delete-emptydir-data')
      await rolledOut()
      await until('all pods on n1', async () => {
        const pods = await n1.pods('app=web')
        return pods.length === 4 && pods.every(pod => pod.spec.nodeName === 'n1' && isReady(pod))
      })
      await n1.kubectl('uncordon', 'n2')
    })
  })
})
