import { systemClock as clock } from '../../src/base/clock.ts'
import { silentLogger as log } from '../../src/base/logger.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { type Client, createEventRecorder, createInformers } from '../../src/client/index.ts'
import { Namespace, Pod, PriorityClass, Service } from '../../src/models/kinds/index.ts'
import { createScheduler, type Scheduler } from '../../src/scheduler/index.ts'
import { processorMs } from '../support/process-use.ts'
import { BoundPods } from './bound-pods.ts'
import { type Case, type Group, podOf } from './cases.ts'
import { addTakenClaims, startClaims } from './devices.ts'
import { churn, deletions } from './disturbances.ts'
import { many } from './many.ts'
import { addVolume, volumesOf } from './volumes.ts'
import { openWorld } from './worlds.ts'

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
  await using world = await openWorld(one)
  const { client } = world
  const { placed, scheduled, waiting, measured } = one
  await prepare(client, one)
  if (placed)
    await many(placed.pods, i => {
      const draft = draftOf(one, `placed${i}`, placed, i)
      return createPod(client, { ...draft, spec: { ...draft.spec, nodeName: `node-${i % one.nodes}` } })
    })
  const informers = createInformers({ client, clock, random, log })
  const claims = one.devices ? await startClaims(client, informers) : undefined
  if (one.takenClaims) await addTakenClaims(client, one.takenClaims, one.nodes)
  let scheduler: Scheduler | undefined
  const busy = () => scheduler?.busy() ?? false
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler', busy })
  const laps: number[] = []
  const metrics = { attempted: (_: string, ms: number) => laps.push(ms) }
  scheduler = createScheduler({ client, informers, clock, random, log, events, metrics })
  await scheduler.start()

  using bound = await BoundPods.watch(client)
  const create = (name: string, group: Group, i: number) => createPod(client, draftOf(one, name, group, i))
  if (waiting) await many(waiting.pods, i => create(`w${i}`, waiting, i))
  if (scheduled) {
    const ready = bound.all(scheduled.pods, i => `s${i}`)
    await many(scheduled.pods, i => create(`s${i}`, scheduled, i))
    await ready
  }
  laps.length = 0
  const ends = [one.churn && churn(client), one.deletes && scheduled && deletions(client, scheduled.pods)]
  const mainBefore = processorMs(process.pid).main
  const began = performance.now()
  const done = bound.all(measured.pods, i => `p${i}`)
  const makeOne = async (i: number) => {
    await create(`p${i}`, measured, i)
    if (!one.steady) return
    await bound.all(1, () => `p${i}`)
    await client.delete(Pod, { namespace: 'default', name: `p${i}` }, { gracePeriodSeconds: 0 })
  }
  await many(measured.pods, makeOne, one.steady)
  const created = performance.now() - began
  await done
  const seconds = (performance.now() - began) / 1_000
  const mainMs = processorMs(process.pid).main - mainBefore
  for (const end of ends) if (end) await end()
  await scheduler.stop()
  await claims?.stop()
  await informers[Symbol.asyncDispose]()
  laps.sort((a, b) => a - b)
  return {
    podsPerSecond: measured.pods / seconds,
    createdPerSecond: measured.pods / (created / 1_000),
    mainThreadMicros: (mainMs * 1_000) / measured.pods,
    decisionP99Ms: laps[Math.floor(laps.length * 0.99)] ?? 0,
  }
}

/** Everything but nodes and pods. */
async function prepare(client: Client, one: Case): Promise<void> {
  for (const [name, labels] of Object.entries(one.namespaces ?? {}))
    await client.create(Namespace, { metadata: { name, labels }, spec: {} })
  await client.create(PriorityClass, { metadata: { name: 'high' }, value: 10 })
  if (one.service)
    await client.create(Service, {
      metadata: { namespace: 'default', name: 's' },
      spec: { selector: one.service, ports: [{ port: 80 }] },
    })
  if (!one.volumes) return
  await many(one.measured.pods, i => addVolume(client, one, `p${i}`))
  await many(one.placed?.pods ?? 0, i => addVolume(client, one, `placed${i}`))
}

type Draft = ReturnType<typeof podOf>

/** The answer is not read: whoever creates pods is no part of what is measured. @throws Error unless it is there */
async function createPod(client: Client, draft: Draft): Promise<void> {
  const path = `/api/v1/namespaces/${draft.metadata.namespace}/pods`
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...draft })
  const { status, body: said } = await client.raw('POST', path, { headers: json, body })
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${said instanceof Uint8Array ? Buffer.from(said) : ''}`)
}

const json = { 'content-type': 'application/json' }

function draftOf({ volumes }: Case, name: string, group: Group, i: number) {
  const draft = podOf(name, group.sketch(i))
  return volumes ? { ...draft, spec: { ...draft.spec, volumes: volumesOf(name) } } : draft
}
