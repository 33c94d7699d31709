import type { Random } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { Store } from '../../db/store.ts'
import type { ApiReply } from '../../models/rest.ts'
import { type ApiServer, createApiServer } from '../index.ts'
import { admin } from './test-server.ts'

const prefix = '/registry/core/configmaps/'
const namespaces = ['default', 'kube-system']
const names = ['a', 'b', 'c']
const colours = ['red', 'blue']

/** One object at one revision, as far as the test tells objects apart. */
interface State {
  namespace: string
  name: string
  colour: string
}

/** What the store's own log says: the truth, kept even when the store forgets. */
interface Change {
  revision: number
  key: string
  before: State | undefined
  after: State | undefined
}

/** `ADDED default/a red 17` */
type Seen = string

interface Scope {
  path: string
  query: string
  holds(state: State): boolean
}

const scopes: Scope[] = [
  { path: '/api/v1/configmaps', query: '', holds: () => true },
  { path: '/api/v1/namespaces/default/configmaps', query: '', holds: s => s.namespace === 'default' },
  { path: '/api/v1/configmaps', query: 'labelSelector=colour%3Dred', holds: s => s.colour === 'red' },
  { path: '/api/v1/configmaps', query: 'labelSelector=colour!%3Dred', holds: s => s.colour !== 'red' },
  {
    path: '/api/v1/namespaces/default/configmaps',
    query: 'fieldSelector=metadata.name%3Da&labelSelector=colour%3Dblue',
    holds: s => s.namespace === 'default' && s.name === 'a' && s.colour === 'blue',
  },
]

/**
 * A world of one store, servers that come and go over it, and clients that list, watch, lose their connection and resume.
 * Every client notes what it was told; `verify` compares that with the store's log.
 */
export class WatchHistory implements AsyncDisposable {
  readonly #random: Random
  readonly #clock: VirtualClock
  readonly #reopen: OpenStore | undefined
  #store: Store
  #server: ApiServer
  readonly #log: Change[] = []
  readonly #states = new Map<string, State>()
  readonly #clients: Client[] = []
  #stop = new AbortController()
  #logged = 0
  #passing = Promise.resolve()

  private constructor({ random, clock, store, server, reopen }: HistoryParts) {
    this.#random = random
    this.#clock = clock
    this.#reopen = reopen
    this.#store = store
    this.#server = server
    void this.#follow()
  }

  /** @param reopen how to open a store that outlives its process, which then ends with its server; else one in memory stays open */
  static async start(random: Random, reopen?: OpenStore): Promise<WatchHistory> {
    const clock = new VirtualClock()
    const store = reopen ? await reopen(clock) : await openMemoryStore({ clock })
    const server = await startServer(store, clock, random)
    const history = new WatchHistory({ random, clock, store, server, reopen })
    for (const scope of scopes) history.#clients.push(new Client(scope, random, () => history.#passing))
    return history
  }

  /** One random thing happens. */
  async step(): Promise<void> {
    const dice = this.#random.next()
    if (dice < 0.6) await this.#write()
    else if (dice < 0.75) this.#anyClient().disconnect()
    else if (dice < 0.9) await this.#anyClient().connect(this.#server)
    else if (dice < 0.94) await this.#letTimePass()
    else if (dice < 0.97) await this.#restart()
    else await this.#store.compact((await this.#store.revision()) - BigInt(Math.floor(this.#random.next() * 6)))
  }

  /** Everybody catches up; then what each was told must be what the log says, no more, no less, in that order. */
  async verify(): Promise<void> {
    const end = Number(await this.#store.revision())
    for (const client of this.#clients) await client.connect(this.#server)
    await this.#until(() => this.#logged >= end)
    for (const client of this.#clients) {
      await this.#until(() => client.told.length >= this.#expected(client, end).length)
      client.compare(this.#expected(client, end))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.disconnect()
    this.#stop.abort()
    await this.#server.close()
    await this.#store[Symbol.asyncDispose]()
  }

  async #write(): Promise<void> {
    const [namespace, name, colour] = [this.#one(namespaces), this.#one(names), this.#one(colours)]
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const object = { metadata: { name, labels: { colour } }, data: { n: String(this.#random.next()) } }
    if (this.#random.next() < 0.25) await ask(this.#server, 'DELETE', `${path}/${name}`)
    else if ((await ask(this.#server, 'PUT', `${path}/${name}`, object)).status === 404)
      await ask(this.#server, 'POST', path, object)
  }

  /** No list is on its way meanwhile: it would rightly be told that a request takes no longer than a minute. */
  async #letTimePass(): Promise<void> {
    while (this.#clients.some(({ connecting }) => connecting))
      await Promise.all(this.#clients.map(({ connecting }) => connecting))
    this.#passing = this.#clock.advance(61_000)
    await this.#passing
  }

  async #restart(): Promise<void> {
    await this.#server.close()
    if (this.#reopen) {
      // The store's own log is read to its end first: what it forgets later is known then.
      const newest = Number(await this.#store.revision())
      await this.#until(() => this.#logged >= newest)
      this.#stop.abort()
      await this.#store[Symbol.asyncDispose]()
      this.#store = await this.#reopen(this.#clock)
      this.#stop = new AbortController()
      void this.#follow()
    }
    this.#server = await startServer(this.#store, this.#clock, this.#random)
  }

  async #follow(): Promise<void> {
    for await (const { events, revision } of this.#store.watch(prefix, BigInt(this.#logged), this.#stop.signal)) {
      for (const event of events) {
        const after = event.value && stateOf(JSON.parse(Buffer.from(event.value).toString()))
        this.#log.push({ revision: Number(event.revision), key: event.key, before: this.#states.get(event.key), after })
        if (after) this.#states.set(event.key, after)
        else this.#states.delete(event.key)
      }
      this.#logged = Number(revision)
    }
  }

  #expected({ scope, places }: Client, end: number): Seen[] {
    const out: Seen[] = []
    places.forEach(({ at, listed }, i) => {
      if (listed) out.push(...this.#present(scope, at).map(text => `LISTED ${text}`))
      const until = places[i + 1]?.leftAt ?? end
      for (const { revision, before, after } of this.#log) {
        if (revision <= at || revision > until) continue
        const [was, is] = [before && scope.holds(before), after && scope.holds(after)]
        if (is) out.push(`${was ? 'MODIFIED' : 'ADDED'} ${textOf(after!)} ${revision}`)
        else if (was) out.push(`DELETED ${textOf(before!)} ${revision}`)
      }
    })
    return out
  }

  /** What there was at a revision, by the log. */
  #present(scope: Scope, at: number): string[] {
    const states = new Map<string, { state: State; revision: number }>()
    for (const { revision, key, after } of this.#log) {
      if (revision > at) break
      if (after) states.set(key, { state: after, revision })
      else states.delete(key)
    }
    return [...states.keys()]
      .sort()
      .map(key => states.get(key)!)
      .filter(({ state }) => scope.holds(state))
      .map(({ state, revision }) => `${textOf(state)} ${revision}`)
  }

  async #until(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < patience && !done(); turn++) await new Promise(resolve => setImmediate(resolve))
  }

  #anyClient(): Client {
    return this.#one(this.#clients)
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random.next() * of.length)]!
  }
}

/** Turns of the event loop: a store with threads and a disk takes some thousands. What never comes is told then. */
const patience = 200_000

type OpenStore = (clock: VirtualClock) => Promise<Store>

interface HistoryParts {
  random: Random
  clock: VirtualClock
  store: Store
  server: ApiServer
  reopen: OpenStore | undefined
}

/** A stretch of following: from the revision of a list, or from where the client was. */
interface Place {
  at: number
  listed: boolean
  /** The newest revision that the client knew when it had to list again. */
  leftAt: number
}

/** A client that resumes where it was, bookmarks included, and lists again only when it is told 410. */
class Client {
  readonly scope: Scope
  readonly told: Seen[] = []
  readonly places: Place[] = []
  readonly #random: Random
  readonly #passed: () => Promise<void>
  #at: number | undefined
  #connection: AbortController | undefined
  /** Its list and the start of its watch, which are on their way. */
  connecting: Promise<void> | undefined
  /** What went wrong while nobody waited for it. */
  #failure: Error | undefined

  /** @param passed resolves when no time passes any more */
  constructor(scope: Scope, random: Random, passed: () => Promise<void>) {
    this.scope = scope
    this.#random = random
    this.#passed = passed
  }

  disconnect(): void {
    this.#connection?.abort()
    this.#connection = undefined
  }

  /** One at a time: who lists beside itself hears of a change twice. */
  async connect(server: ApiServer): Promise<void> {
    while (this.connecting) await this.connecting
    if (this.#connection) return
    this.connecting = this.#passed()
      .then(() => this.#connect(server))
      .finally(() => {
        this.connecting = undefined
      })
    await this.connecting
  }

  async #connect(server: ApiServer): Promise<void> {
    if (this.#at === undefined) await this.#list(server)
    const connection = new AbortController()
    this.#connection = connection
    const url = `${this.scope.path}?watch=1&allowWatchBookmarks=true&resourceVersion=${this.#at}&${this.scope.query}`
    const reply = await server.handler({ method: 'GET', url, headers: {}, user: admin, signal: connection.signal })
    this.#follow(reply, connection, server).catch(error => {
      this.#failure ??= error
    })
  }

  compare(expected: Seen[]): void {
    if (this.#failure) throw this.#failure
    const wrong = expected.findIndex((text, i) => text !== this.told[i])
    const at = wrong >= 0 ? wrong : this.told.length > expected.length ? expected.length : -1
    if (at < 0) return
    throw new Error(
      `${this.scope.path}?${this.scope.query} was told, as its number ${at}, ${this.told[at] ?? 'nothing'}, where the log has ${expected[at] ?? 'nothing'}\n` +
        `told: ${this.told.slice(Math.max(at - 3, 0), at + 4).join(' | ')}\nlog:  ${expected.slice(Math.max(at - 3, 0), at + 4).join(' | ')}\nplaces: ${JSON.stringify(this.places)}`,
    )
  }

  async #list(server: ApiServer): Promise<void> {
    const limit = this.#random.next() < 0.5 ? '&limit=2' : ''
    let items: any[] = []
    let body: any
    do {
      const next = body?.metadata.continue ? `&continue=${body.metadata.continue}` : ''
      const answer = await ask(server, 'GET', `${this.scope.path}?${this.scope.query}${limit}${next}`)
      // Compacted between two pages: the list begins anew.
      if (answer.status === 410) {
        items = []
        body = { metadata: { again: true } }
        continue
      }
      if (answer.status !== 200) throw new Error(`the list failed: ${JSON.stringify(answer.body)}`)
      body = answer.body
      items.push(...body.items)
    } while (body.metadata.continue || body.metadata.again)
    const at = Number(body.metadata.resourceVersion)
    this.places.push({ at, listed: true, leftAt: this.places.length ? this.#lastAt : at })
    this.#at = this.#lastAt = at
    for (const item of items) this.told.push(`LISTED ${textOf(stateOf(item))} ${item.metadata.resourceVersion}`)
  }
  #lastAt = 0

  async #follow(reply: ApiReply, connection: AbortController, server: ApiServer): Promise<void> {
    for await (const chunk of reply.body as AsyncIterable<Uint8Array>) {
      // What was on its way when the connection broke never arrives.
      if (this.#connection !== connection) return
      const { type, object } = JSON.parse(Buffer.from(chunk).toString())
      if (type === 'ERROR') {
        if (object.code !== 410) throw new Error(`the watch failed: ${JSON.stringify(object)}`)
        this.#connection = undefined
        this.#at = undefined
        return this.connect(server)
      }
      this.#at = this.#lastAt = Number(object.metadata.resourceVersion)
      if (type !== 'BOOKMARK') this.told.push(`${type} ${textOf(stateOf(object))} ${object.metadata.resourceVersion}`)
    }
    if (this.#connection === connection) this.#connection = undefined
  }
}

function startServer(store: Store, clock: VirtualClock, random: Random): Promise<ApiServer> {
  return createApiServer({ store, clock, random, watchCacheSize: 4 })
}

const textOf = ({ namespace, name, colour }: State) => `${namespace}/${name} ${colour}`

function stateOf(object: any): State {
  const { namespace, name, labels } = object.metadata
  return { namespace, name, colour: labels?.colour }
}

async function ask(
  server: ApiServer,
  method: string,
  url: string,
  body?: object,
): Promise<{ status: number; body: any }> {
  const reply = await server.handler({
    method,
    url,
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
    user: admin,
    signal: new AbortController().signal,
  })
  return { status: reply.status, body: JSON.parse(Buffer.from(reply.body as Uint8Array).toString()) }
}
