import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiServer } from '../../src/apiserver/index.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import { silentLogger as log } from '../../src/base/logger.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { createClient, createEventRecorder, createInformers, inProcessTransport } from '../../src/client/index.ts'
import { openSqliteStore } from '../../src/db/index.ts'
import {
  CSINode,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PriorityClass,
  Service,
} from '../../src/models/kinds/index.ts'
import { createScheduler, type Scheduler } from '../../src/scheduler/index.ts'
import { makeClaim, makeVolume } from '../../src/scheduler/testing/storage.ts'
import { processorMs } from '../support/process-use.ts'
import { type Case, nodeOf, podOf } from './cases.ts'

const inFlight = 256

/** Runs `count` tasks, many at a time, as each ends. */
async function many(count: number, task: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker))
}

export interface Outcome {
  podsPerSecond: number
  createdPerSecond: number
  decisionP99Ms: number
  /** Processor time of the one thread that does all but the disk's work, for each pod. */
  mainThreadMicros: number
}

/**
 * Pods made through the API over a durable store, bound by the scheduler, counted by a watcher, all in one process.
 * What is there beforehand is made the same way.
 */
export async function runWhole(one: Case): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'scheduling-'))
  const store = await openSqliteStore({ path: join(folder, 'store.db'), clock, log })
  const server = await createApiServer({ store, clock, random, log })
  const client = createClient(inProcessTransport(server.handler, { username: 'admin', groups: ['system:masters'] }))
  const { placed, waiting, measured } = one
  for (const [name, labels] of Object.entries(one.namespaces ?? {}))
    await client.create(Namespace, { metadata: { name, labels }, spec: {} })
  await client.create(PriorityClass, { metadata: { name: 'high' }, value: 10 })
  if (one.service)
    await client.create(Service, {
      metadata: { namespace: 'default', name: 's' },
      spec: { selector: one.service, ports: [{ port: 80 }] },
    })
  await many(one.nodes, async i => {
    const { metadata, spec, status } = nodeOf(one, i)
    const { name, labels } = metadata
    const node = await client.create(Node, { metadata: { name, ...(labels ? { labels } : {}) }, spec })
    const capacity = status?.allocatable
    const ready = await client.updateStatus(Node, { ...node, status: { ...status, ...(capacity ? { capacity } : {}) } })
    await client.update(Node, { ...ready, spec: { ...ready.spec, taints: spec.taints ?? [] } })
    if (one.volumes) await client.create(CSINode, csiNodeOf(name))
  })
  const create = (name: string, draft: ReturnType<typeof podOf>) => client.create(Pod, withVolume(one, name, draft))
  if (one.volumes)
    await many((placed?.pods ?? 0) + measured.pods, async i => {
      const name = i < measured.pods ? `p${i}` : `placed${i - measured.pods}`
      await client.create(PersistentVolumeClaim, boundClaim(name))
      await client.create(PersistentVolume, volumeOf(one, name))
    })
  if (placed)
    await many(placed.pods, i => {
      const draft = podOf(`placed${i}`, placed.sketch(i))
      return create(`placed${i}`, { ...draft, spec: { ...draft.spec, nodeName: `node-${i % one.nodes}` } })
    })
  const informers = createInformers({ client, clock, random, log, freeze: true })
  let scheduler: Scheduler | undefined
  const busy = () => scheduler?.busy() ?? false
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler', busy })
  const laps: number[] = []
  const metrics = { attempted: (_: string, ms: number) => laps.push(ms) }
  scheduler = createScheduler({ client, informers, clock, random, log, events, metrics })
  await scheduler.start()
  if (waiting) await many(waiting.pods, i => create(`w${i}`, podOf(`w${i}`, waiting.sketch(i))))

  // One informer counts what a user would see.
  const names = new Set(Array.from({ length: measured.pods }, (_, i) => `p${i}`))
  const watcher = createInformers({ client, clock, random, log, freeze: true })
  const done = new Promise<void>(resolve => {
    const see = ({ metadata, spec }: Pod) => {
      if (spec.nodeName && names.delete(metadata.name) && !names.size) resolve()
    }
    watcher.for(Pod).subscribe({ added: see, updated: see })
  })
  await watcher.ready()
  laps.length = 0
  const stopChurn = one.churn ? churn(client) : () => {}
  const mainBefore = processorMs(process.pid).main
  const began = performance.now()
  await many(measured.pods, i => create(`p${i}`, podOf(`p${i}`, measured.sketch(i))))
  const created = performance.now() - began
  await done
  const seconds = (performance.now() - began) / 1_000
  const mainMs = processorMs(process.pid).main - mainBefore
  stopChurn()
  await scheduler.stop()
  await Promise.all([informers[Symbol.asyncDispose](), watcher[Symbol.asyncDispose]()])
  await server.close()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
  laps.sort((a, b) => a - b)
  return {
    podsPerSecond: measured.pods / seconds,
    createdPerSecond: measured.pods / (created / 1_000),
    mainThreadMicros: (mainMs * 1_000) / measured.pods,
    decisionP99Ms: laps[Math.floor(laps.length * 0.99)] ?? 0,
  }
}

function churn(client: ReturnType<typeof createClient>): () => void {
  let round = 0
  const turn = async () => {
    const name = `churn-${round++}`
    await client.create(Node, { metadata: { name }, spec: {} })
    await client.create(Pod, podOf(name, { requests: { cpu: '9' }, priorityClassName: 'high' }))
    await client.create(Service, {
      metadata: { namespace: 'default', name },
      spec: { selector: { app: 'x' }, ports: [{ port: 80 }] },
    })
    await client.delete(Node, { name })
    await client.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 })
    await client.delete(Service, { namespace: 'default', name })
  }
  const timer = setInterval(() => void turn(), 1_000)
  return () => clearInterval(timer)
}

const ebs = 'ebs.csi.aws.com'

const csiNodeOf = (name: string) => ({
  metadata: {
    name,
    annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': 'kubernetes.io/aws-ebs,kubernetes.io/gce-pd' },
  },
  spec: { drivers: [{ name: ebs, nodeID: name, allocatable: { count: 39 } }] },
})

function boundClaim(name: string) {
  const { metadata, spec } = makeClaim({ name: `c-${name}`, volume: `v-${name}` })
  const { namespace, annotations } = metadata
  return {
    metadata: { name: `c-${name}`, ...(namespace ? { namespace } : {}), ...(annotations ? { annotations } : {}) },
    spec,
  }
}

function volumeOf({ volumes }: Case, name: string) {
  const { spec } = makeVolume({ name: `v-${name}`, driver: ebs })
  const { csi, ...rest } = spec
  const source = volumes === 'csi' ? { csi: csi! } : { awsElasticBlockStore: { volumeID: `v-${name}` } }
  return { metadata: { name: `v-${name}` }, spec: { ...rest, ...source } }
}

function withVolume({ volumes }: Case, name: string, draft: ReturnType<typeof podOf>) {
  if (!volumes) return draft
  const volume = { name: 'v', persistentVolumeClaim: { claimName: `c-${name}` } }
  return { ...draft, spec: { ...draft.spec, volumes: [volume] } }
}
