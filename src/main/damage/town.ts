import { createApiServer } from '../../apiserver/index.ts'
import { microTimestamp } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { type Client, createClient, createInformers, inProcessTransport, type Reconciler } from '../../client/index.ts'
import { simulateAgent } from '../../controller/testing/simulated-agent.ts'
import { openMemoryStore, type Store } from '../../db/index.ts'
import {
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  Endpoints,
  HorizontalPodAutoscaler,
  Job,
  Lease,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  type Pod,
  PodDisruptionBudget,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceRegistration,
  StatefulSet,
  Workload,
} from '../../models/kinds/index.ts'
import { keepLedger, type Ledger } from '../convergence/ledger.ts'
import { type ControllerProcess, startProcess } from '../convergence/process.ts'
import { allReconcilers } from '../reconcilers.ts'

/** A control plane under virtual time with all its reconcilers. */
export interface Town extends AsyncDisposable {
  client: Client
  clock: VirtualClock
  store: Store
  ledger: Ledger
  /** Lets time pass; its nodes live. */
  pass(ms: number): Promise<void>
}

const fate = (pod: Pod) => (pod.metadata.labels?.['ends'] ? 'succeeded' : 'ready')
const nodes = ['node-1', 'node-2']

/** @param entries what is in the store at first @param more reconcilers besides all of ours */
export async function openTown(
  entries: readonly { key: string; value: Uint8Array }[] = [],
  more: Reconciler[] = [],
): Promise<Town> {
  const clock = new VirtualClock()
  const random = seededRandom(entries.length + 1)
  const store = await openMemoryStore()
  if (entries.length)
    await store.commit(
      entries.map(({ key, value }) => ({ key, value })),
      new Map(),
    )
  const api = await createApiServer({ store, clock, random, log: silentLogger })
  const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }
  const client = createClient(inProcessTransport(api.handler, admin))
  const informers = createInformers({ client, clock, random, log: silentLogger })
  simulateAgent({ client, informers, clock, fate, onError: () => {} })
  const reconcilers = [
    ...allReconcilers({
      ...{ settings: { clusterCidr: '10.244.0.0/16' }, ca: 'PEM' },
      reservedPorts: new Map(),
    }),
    ...more,
  ]
  const closed = new AbortController()
  const ledger = keepLedger(store, await store.revision(), closed.signal)
  const process: ControllerProcess = await startProcess({
    ...{ client, clock, random, reconcilers, garbageCollector: true, wrote: () => {} },
  })
  return {
    ...{ client, clock, store, ledger },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 5_000) {
        await Promise.all(nodes.map(name => beat(client, clock, name)))
        await clock.advance(Math.min(5_000, ms - passed))
        await settle(4)
      }
    },
    async [Symbol.asyncDispose]() {
      const ending = process.end()
      await clock.advance(5_000)
      await ending
      closed.abort()
      await informers[Symbol.asyncDispose]()
      await api.close()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function beat(client: Client, clock: VirtualClock, name: string): Promise<void> {
  const key = { namespace: 'kube-node-lease', name }
  const spec = { holderIdentity: name, renewTime: microTimestamp(clock) }
  await client
    .patch(Lease, key, { type: 'merge', body: { spec } })
    .catch(() => client.create(Lease, { metadata: key, spec }))
    .catch(() => {})
}

/** Two quarters with the same things in them; what befalls one must not reach the other. */
export async function settleTown(town: Town): Promise<void> {
  const { client } = town
  for (const name of nodes) {
    await client.create(Node, { metadata: { name, labels: { on: 'yes' } }, spec: {} })
    await client.patch(Node, { name }, { type: 'merge', body: { spec: { taints: null } } })
    const conditions = [{ type: 'Ready', status: 'True' }]
    await client.patch(Node, { name }, { type: 'merge', body: { status: { conditions } } }, { subresource: 'status' })
  }
  for (const namespace of ['hit', 'calm']) await settleQuarter(client, namespace)
  await town.pass(20_000)
}

async function settleQuarter(client: Client, namespace: string): Promise<void> {
  const meta = (name: string) => ({ namespace, name })
  const of = (app: string) => ({ matchLabels: { app } })
  const template = (app: string, more: object = {}, labels: object = {}) => ({
    metadata: { labels: { app, ...labels } },
    spec: { containers: [{ name: 'main', image: 'app:1' }], ...more },
  })
  const task = template('task', { restartPolicy: 'Never' }, { ends: 'yes' })
  await client.create(Namespace, { metadata: { name: namespace }, spec: {} })
  await client.create(ConfigMap, { metadata: meta('config'), data: { a: '1' } })
  await client.create(Secret, { metadata: meta('secret'), stringData: { a: '1' } })
  await client.create(Deployment, {
    metadata: meta('web'),
    spec: { replicas: 2, selector: of('web'), template: template('web') },
  })
  await client.create(StatefulSet, {
    metadata: meta('db'),
    spec: {
      ...{ replicas: 2, serviceName: 'db', selector: of('db'), template: template('db') },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } },
        } as any,
      ],
    },
  })
  await client.create(DaemonSet, {
    metadata: meta('log'),
    spec: { selector: of('log'), template: template('log', { nodeSelector: { on: 'yes' } }) },
  })
  await client.create(Job, { metadata: meta('sum'), spec: { completions: 2, template: task as any } })
  await client.create(CronJob, {
    metadata: meta('tick'),
    spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: task as any } } },
  })
  await client.create(Workload, { metadata: meta('site'), spec: { image: 'app:1', ports: [{ port: 80 }] } })
  await client.create(Service, { metadata: meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
  await client.create(ReplicationController, {
    metadata: meta('old'),
    spec: { replicas: 1, selector: { app: 'old' }, template: template('old') as any },
  })
  await client.create(HorizontalPodAutoscaler, {
    metadata: meta('web'),
    spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  })
  await client.create(ResourceQuota, { metadata: meta('quota'), spec: { hard: { pods: '50' } } })
  await client.create(ServiceRegistration, { metadata: meta('out'), spec: { addresses: ['192.0.2.5:5432'] } })
  await client.create(Service, { metadata: meta('by-hand'), spec: { ports: [{ port: 80 }] } })
  const addresses = [{ ip: '192.0.2.9' }]
  await client.create(Endpoints, { metadata: meta('by-hand'), subsets: [{ addresses, ports: [{ port: 80 }] }] })
  const storage = { accessModes: ['ReadWriteOnce' as const], storageClassName: 'plain' }
  await client.create(PersistentVolume, {
    metadata: { name: `${namespace}-disk` },
    spec: {
      ...storage,
      capacity: { storage: '1Gi' },
      hostPath: { path: '/data' },
      persistentVolumeReclaimPolicy: 'Delete',
    },
  })
  await client.create(PersistentVolumeClaim, {
    metadata: meta('disk'),
    spec: { ...storage, volumeName: `${namespace}-disk`, resources: { requests: { storage: '1Gi' } } },
  })
  await client.create(PodDisruptionBudget, { metadata: meta('web'), spec: { selector: of('web'), minAvailable: 1 } })
}
