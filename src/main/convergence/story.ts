import { createApiServer } from '../../apiserver/index.ts'
import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { type Client, createClient, createInformers, inProcessTransport, type Reconciler } from '../../client/index.ts'
import { type PodFate, simulateAgent } from '../../controller/testing/simulated-agent.ts'
import { openMemoryStore, type Store } from '../../db/index.ts'
import type { Kind } from '../../models/kind.ts'
import { Namespace, type Pod } from '../../models/kinds/index.ts'
import type { KubeObject } from '../../models/object.ts'
import { type Account, keepLedger, type Ledger, snapshot } from './ledger.ts'
import { likeness } from './likeness.ts'
import { type ControllerProcess, startProcess } from './process.ts'

/** Something that people do, and what must come of it however often the controllers die or look away. */
export interface Story {
  /** A sentence. */
  name: string
  /** Names of the reconcilers that it is about. */
  about: string[]
  /** What is there before the first process begins. */
  before?(stage: Pick<Stage, 'client' | 'clock'>): Promise<unknown>
  /** Made anew for each process. */
  reconcilers(stage: Stage): Reconciler[]
  garbageCollector?: boolean
  /** Only each of so many troubles is tried; every one unless given. */
  each?: number
  /** What becomes of pods; `ready` unless given. */
  fate?(pod: Pod): PodFate
  tokenKeys?: { privateKey: string; publicKey: string }
  /** Each is followed by as much time as it takes until nothing changes any more. */
  acts: ((stage: Stage) => Promise<unknown>)[]
}

export interface Stage {
  clock: VirtualClock
  /** A person's, who sees everything at once. */
  client: Client
  /** Lets time pass, in small steps. */
  pass(ms: number): Promise<void>
  /** For what takes real time, such as cryptography: until it is so, or a while has passed. */
  until(condition: () => Promise<boolean>): Promise<void>
  /** A merge patch of an object in the namespace `default`, or of the cluster. */
  patch<T extends KubeObject>(kind: Kind<T>, name: string, body: object, subresource?: 'status'): Promise<T>
}

/** What befalls the controllers. `after` counts their writes. */
export type Trouble =
  | { kind: 'crash'; after: number }
  /** Nothing new is seen for a while; then every change, or with `skipping` only how things are. */
  | { kind: 'blind'; after: number; forMs: number; skipping: boolean }
  /** They die, and their successor's first lists are `back` changes old; it sees nothing newer for a while. */
  | { kind: 'past'; after: number; back: number; forMs: number }
  /** A successor starts while they live on, blind, and then die. */
  | { kind: 'twin'; after: number; forMs: number }
  | { kind: 'late'; lateMs: number }

export interface Outcome {
  /** How everything is in the end. */
  end: string[]
  accounts: Map<string, Account>
  /** Of all controllers together. */
  writes: number
}

const stepMs = 500
/** Longer than anybody waits for a cache. */
const quietMs = 8_000
const patienceMs = 900_000

/** Tells a story once. @throws when it does not come to an end */
export async function tell(story: Story, trouble?: Trouble): Promise<Outcome> {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const store = await openMemoryStore()
  const { tokenKeys } = story
  const api = await createApiServer({ store, clock, random, log: silentLogger, ...(tokenKeys ? { tokenKeys } : {}) })
  const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }
  const client = createClient(inProcessTransport(api.handler, admin))
  await client.create(Namespace, { metadata: { name: 'default' }, spec: {} }).catch(() => {})
  await story.before?.({ client, clock })
  const closed = new AbortController()
  const informers = createInformers({ client, clock, random, log: silentLogger })
  simulateAgent({ client, informers, clock, ...(story.fate ? { fate: story.fate } : {}) })
  const ledger = keepLedger(store, await store.revision(), closed.signal)
  const play = new Play(story, trouble, { clock, client, random, store, ledger })
  try {
    await play.begin()
    for (const act of story.acts) {
      await act(play)
      await play.quiet()
    }
    return { end: likeness(await snapshot(store)), accounts: ledger.accounts, writes: play.writes }
  } finally {
    await play.end()
    closed.abort()
    await informers[Symbol.asyncDispose]()
    await api.close()
    await store[Symbol.asyncDispose]()
  }
}

interface Props {
  clock: VirtualClock
  client: Client
  random: ReturnType<typeof seededRandom>
  store: Store
  ledger: Ledger
}

class Play implements Stage {
  writes = 0
  readonly #story: Story
  readonly #trouble: Trouble | undefined
  readonly #props: Props
  readonly #first: bigint[] = []
  #current: ControllerProcess | undefined
  #successor: (() => Promise<void>) | undefined
  #troubles = 0
  readonly #ending: Promise<void>[] = []

  constructor(story: Story, trouble: Trouble | undefined, props: Props) {
    this.#story = story
    this.#trouble = trouble
    this.#props = props
  }

  get clock() {
    return this.#props.clock
  }

  get client() {
    return this.#props.client
  }

  patch: Stage['patch'] = (kind, name, body, subresource) => {
    const key = kind.scope === 'Cluster' ? { name } : { namespace: 'default', name }
    return this.client.patch(kind, key, { type: 'merge', body }, subresource ? { subresource } : {})
  }

  async begin(): Promise<void> {
    this.#first.push(await this.#props.store.revision())
    await this.#start(this.#trouble?.kind === 'late' ? { lateMs: this.#trouble.lateMs } : {})
  }

  pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += stepMs) await this.#step(Math.min(stepMs, ms - passed))
  }

  until: Stage['until'] = async condition => {
    for (let i = 0; i < 2_000 && !(await condition()); i++) {
      await this.#step(10)
      await settle(20)
    }
  }

  /** Until nothing has changed for a while, and no trouble is left. */
  async quiet(): Promise<void> {
    const { ledger } = this.#props
    let calmMs = 0
    for (let passed = 0; calmMs < quietMs; passed += stepMs) {
      const before = ledger.changes
      await this.#step(stepMs)
      calmMs = ledger.changes === before && !this.#troubles ? calmMs + stepMs : 0
      if (passed > patienceMs)
        throw new Error(`not quiet after ${patienceMs} ms: ${JSON.stringify(this.#current?.lastErrors())}`)
    }
  }

  async end(): Promise<void> {
    if (this.#current) this.#ending.push(this.#current.end())
    await this.clock.advance(5_000)
    await Promise.all(this.#ending)
  }

  async #step(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await settle(4)
    const start = this.#successor
    this.#successor = undefined
    await start?.()
  }

  async #start(view: { lateMs?: number; at?: string }): Promise<void> {
    const { clock, client, random } = this.#props
    const { garbageCollector = false } = this.#story
    const reconcilers = this.#story.reconcilers(this)
    const wrote = (process: ControllerProcess) => {
      if (++this.writes === this.#after()) this.#strike(process)
    }
    this.#current = await startProcess({ clock, client, random, reconcilers, garbageCollector, wrote, ...view })
  }

  #after(): number | undefined {
    return this.#trouble && 'after' in this.#trouble ? this.#trouble.after : undefined
  }

  #strike(process: ControllerProcess): void {
    const trouble = this.#trouble as Exclude<Trouble, { kind: 'late' }>
    const { store } = this.#props
    if (trouble.kind === 'crash' || trouble.kind === 'past') this.#kill(process)
    else process.view.hold()
    if (trouble.kind === 'crash') this.#successor = () => this.#start({})
    if (trouble.kind === 'blind') this.#later(trouble.forMs, () => process.view.release(trouble.skipping))
    if (trouble.kind === 'twin') {
      this.#successor = () => this.#start({})
      this.#later(trouble.forMs, () => this.#kill(process))
    }
    if (trouble.kind === 'past')
      this.#successor = async () => {
        const at = (await store.revision()) - BigInt(trouble.back)
        await this.#start({ at: String(at > this.#first[0]! ? at : this.#first[0]!) })
        const { view } = this.#current!
        this.#later(trouble.forMs, () => view.release(false))
      }
  }

  #kill(process: ControllerProcess): void {
    process.life.dead = true
    this.#ending.push(process.end())
  }

  #later(ms: number, task: () => void): void {
    this.#troubles++
    this.clock.schedule(ms, () => {
      this.#troubles--
      task()
    })
  }
}
