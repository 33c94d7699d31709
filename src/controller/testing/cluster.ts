import { createApiServer } from '../../apiserver/index.ts'
import { Channel } from '../../base/channel.ts'
import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import {
  type Client,
  createClient,
  createInformers,
  createReconcilerRunner,
  type InformerSet,
  inProcessTransport,
  type Reconciler,
  type ReconcilerRunner,
} from '../../client/index.ts'
import { openMemoryStore } from '../../db/index.ts'
import { Namespace, type Pod } from '../../models/kinds/index.ts'
import { createGarbageCollector } from '../garbage-collector.ts'
import { type PodFate, simulateAgent } from './simulated-agent.ts'

export type { PodFate }

export interface TestClusterOptions {
  reconcilers: Reconciler[]
  /** What becomes of a pod; `ready` unless given. */
  fate?(pod: Pod): PodFate
  nodes?: number
  /** Between the controllers and the server: to delay, to fail, to crash. */
  wrapClient?(client: Client): Client
  /** Whether what nobody owns any more goes. */
  garbageCollector?: boolean
  /** How long the controllers' informers lag behind the server. */
  watchDelayMs?: number
  seed?: number
  /** Signs the tokens of service accounts; without it none are issued. */
  tokenKeys?: { privateKey: string; publicKey: string }
}

export interface TestCluster extends AsyncDisposable {
  clock: VirtualClock
  /** An administrator's. */
  client: Client
  informers: InformerSet
  runner: ReconcilerRunner
  /** Moves time in small steps until it is so. Fails after `limitMs` of virtual time with what `describe` says. */
  until(condition: () => boolean | Promise<boolean>, limitMs?: number, describe?: () => unknown): Promise<void>
  /** Lets things happen for a while. */
  pass(ms: number): Promise<void>
}

/** The real API server on a store in memory, the real informers and runner, virtual time, and pods that do as they are told. */
export async function startTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  const clock = new VirtualClock()
  const random = seededRandom(options.seed ?? 1)
  const log = silentLogger
  const store = await openMemoryStore()
  const api = await createApiServer({
    ...{ store, clock, random, log },
    ...(options.tokenKeys ? { tokenKeys: options.tokenKeys } : {}),
  })
  const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }
  const client = createClient(inProcessTransport(api.handler, admin))
  const informers = createInformers({ client, clock, random, log, freeze: true })
  // The controllers' own view may be late; the agent's never is.
  const { watchDelayMs } = options
  const theirs = watchDelayMs
    ? createInformers({ client: delayed(client, clock, watchDelayMs), clock, random, log, freeze: true })
    : informers
  await client.create(Namespace, { metadata: { name: 'default' }, spec: {} }).catch(() => {})
  simulateAgent({ ...options, client, informers, clock })
  const runner = createReconcilerRunner({
    client: options.wrapClient?.(client) ?? client,
    informers: theirs,
    clock,
    random,
    log,
    reconcilers: options.reconcilers,
    strict: true,
  })
  const collector = options.garbageCollector
    ? createGarbageCollector({ client, informers, clock, random, log })
    : undefined
  const starting = Promise.all([runner.start(), collector?.start()])
  await settle()
  await clock.advance(10)
  await starting

  return {
    clock,
    client,
    informers,
    runner,
    async until(condition, limitMs = 60_000, describe) {
      for (let passed = 0; ; passed += 50) {
        await settle(8)
        if (await condition()) return
        if (passed > limitMs) {
          const { stats } = runner
          throw new Error(
            `not so after ${limitMs} ms: ${JSON.stringify({ now: await describe?.(), stats: stats() }, null, 1)}`,
          )
        }
        await clock.advance(50)
      }
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1000) {
        await clock.advance(Math.min(1000, ms - passed))
        await settle(8)
      }
    },
    async [Symbol.asyncDispose]() {
      const stopping = Promise.all([runner.stop(), collector?.stop()])
      await clock.advance(5_000)
      await stopping
      await Promise.all([informers[Symbol.asyncDispose](), theirs[Symbol.asyncDispose]()])
      await api.close()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** Every watch event comes `ms` later than it would. */
function delayed(client: Client, clock: VirtualClock, ms: number): Client {
  return {
    ...client,
    async *watch(kind, options) {
      const late = new Channel<any>()
      const pump = async () => {
        for await (const event of client.watch(kind, options)) clock.schedule(ms, () => late.push(event))
        late.end()
      }
      pump().catch(error => late.fail(error))
      yield* late
    },
  }
}
