import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Random } from '../../src/base/random.ts'
import { connect, type Remote } from '../../src/cli/connection.ts'
import { openSqliteStore } from '../../src/db/index.ts'
import { ApiError } from '../../src/models/api-error.ts'
import { optiflow } from './parts.ts'
import { freePort, type Started, start, until } from './processes.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const writers = 24
const namesOfEach = 20
/** So many kills in four hit a server that is only starting. */
const whileStarting = 0.25
const startMs = 800

export interface Killing {
  kills: number
  /** Objects that are there beforehand. */
  objects: number
  /** Writes that a round may have before its kill, at most. */
  writes: number
  random: Random
}

export interface Survived {
  acknowledged: number
  /** What was acknowledged and is not so, or is so and nobody wrote it. */
  wrong: string[]
  /** From the start of a process until it answered /readyz with 200, milliseconds, in order of size. */
  recoveriesMs: number[]
}

/** What an object is, or undefined: not there. */
type State = { n: string; revision: number } | undefined

/** Kills `optiflow server` with -9 again and again under writes by many clients, and compares what is there with what they were told. */
export async function killServer({ kills, objects, writes, random }: Killing): Promise<Survived> {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-killed-'))
  const server = new Server(folder, await freePort())
  const ledger = new Ledger()
  const survived: Survived = { acknowledged: 0, wrong: [], recoveriesMs: [] }
  try {
    await fill(join(folder, 'data/store/state.db'), objects)
    await server.up()
    for (let round = 0; round < kills; round++) {
      const enough = ledger.acknowledged + 1 + Math.floor(random.next() * writes)
      const writing = write(server.remote, ledger, `${round}`, random)
      await until('writes', () => ledger.acknowledged >= enough, { everyMs: 5, timeoutMs: 60_000 })
      await server.kill()
      await writing
      if (random.next() < whileStarting) await server.killStarting(random.next() * startMs)
      survived.recoveriesMs.push(await server.up())
      survived.wrong.push(...ledger.compare(await server.remote.json('GET', maps)))
    }
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  survived.recoveriesMs.sort((a, b) => a - b)
  return { ...survived, acknowledged: ledger.acknowledged }
}

/** Straight into the store, as the API would have written them. */
async function fill(path: string, objects: number): Promise<void> {
  await using store = await openSqliteStore({ path })
  const data = { text: 'x'.repeat(1200) }
  const metadata = {
    namespace: 'bulk',
    uid: '5a4d6f7e-0000-4000-8000-000000000000',
    creationTimestamp: '2026-01-01T00:00:00Z',
  }
  for (let i = 0; i < objects; i += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, objects - i) }, (_, j) => {
        const name = `bulk-${i + j}`
        const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, ...metadata }, data }
        const value = new Uint8Array(Buffer.from(JSON.stringify(object)))
        return store.commit([{ key: `/registry/core/configmaps/bulk/${name}`, value }], new Map())
      }),
    )
}

/** Each writer has names of its own, so that what it was told last is what must be there. Ends when the server is gone. */
async function write(remote: Remote, ledger: Ledger, round: string, random: Random): Promise<void> {
  const one = async (writer: number) => {
    for (let i = 0; ; i++) {
      const name = `load-${writer}-${Math.floor(random.next() * namesOfEach)}`
      const n = `${round}-${i}`
      const before = ledger.state(name)
      const next = before && random.next() < 0.15 ? undefined : n
      try {
        const revision = await change(remote, name, before, next)
        ledger.told(name, next === undefined ? undefined : { n: next, revision })
      } catch (error) {
        if (error instanceof ApiError) throw error
        ledger.unsure(name, next)
        return
      }
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => one(writer)))
}

async function change(remote: Remote, name: string, before: State, n: string | undefined): Promise<number> {
  const url = `${maps}/${name}`
  const data = { n, text: 'y'.repeat(800) }
  const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data }
  const reply = !before
    ? await remote.json('POST', maps, { body })
    : n === undefined
      ? await remote.json('DELETE', url)
      : await remote.json('PATCH', url, { body: { data }, contentType: 'application/merge-patch+json' })
  return Number(reply.metadata.resourceVersion ?? 0)
}

/** What the clients were told. */
class Ledger {
  acknowledged = 0
  readonly #states = new Map<string, State>()
  /** Nobody knows whether these were carried out; undefined: a deletion. */
  readonly #unsure = new Map<string, string | undefined>()
  #newest = 0

  state(name: string): State {
    return this.#states.get(name)
  }

  told(name: string, state: State): void {
    this.acknowledged++
    this.#states.set(name, state)
    this.#newest = Math.max(this.#newest, state?.revision ?? 0)
  }

  unsure(name: string, n: string | undefined): void {
    this.#unsure.set(name, n)
  }

  /** What contradicts what was told. Goes on from what is there. */
  compare(list: MapList): string[] {
    const wrong: string[] = []
    const revision = Number(list.metadata.resourceVersion)
    if (revision < this.#newest) wrong.push(`the list is of ${revision}, but ${this.#newest} was acknowledged`)
    const found = new Map(
      list.items.filter(m => m.metadata.name.startsWith('load-')).map(m => [m.metadata.name, stateOf(m)]),
    )
    for (const name of new Set([...this.#states.keys(), ...found.keys(), ...this.#unsure.keys()])) {
      const [told, is] = [this.#states.get(name), found.get(name)]
      const same = told?.n === is?.n && told?.revision === is?.revision
      const lateOne = this.#unsure.has(name) && this.#unsure.get(name) === is?.n
      if (!same && !lateOne) wrong.push(`${name} is ${JSON.stringify(is)}, told was ${JSON.stringify(told)}`)
      this.#states.set(name, is)
    }
    this.#unsure.clear()
    this.#newest = Math.max(this.#newest, revision)
    return wrong
  }
}

interface MapList {
  metadata: { resourceVersion: string }
  items: { metadata: { name: string; resourceVersion: string }; data: { n: string } }[]
}

const stateOf = (map: MapList['items'][number]): State => ({
  n: map.data.n,
  revision: Number(map.metadata.resourceVersion),
})

/** `optiflow server` on SQLite, on the same folder and port each time. */
class Server {
  readonly #folder: string
  readonly #port: number
  readonly #stranger = new Agent({ connect: { rejectUnauthorized: false } })
  #process: Started | undefined
  #remote: Remote | undefined

  constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
  }

  get remote(): Remote {
    if (!this.#remote) throw new Error('the server is not up')
    return this.#remote
  }

  /** @returns milliseconds until it was ready */
  async up(): Promise<number> {
    const server = this.#start()
    const began = performance.now()
    await until(
      'the server is ready',
      async () => {
        if (server.child.exitCode !== null) return true
        return await this.#ready()
      },
      { everyMs: 10, timeoutMs: 60_000 },
    )
    const tookMs = performance.now() - began
    if (server.child.exitCode !== null) throw new Error(`the server ended\n${server.out()}${server.err()}`)
    // The first start writes it only now.
    this.#remote = await until('its kubeconfig', () => connect({ kubeconfig: join(this.#folder, 'kubeconfig') }))
    return tookMs
  }

  async #ready(): Promise<boolean> {
    const reply = await request(`https://127.0.0.1:${this.#port}/readyz`, { dispatcher: this.#stranger })
    await reply.body.dump()
    return reply.statusCode === 200
  }

  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL')
    await this.#remote?.[Symbol.asyncDispose]()
    this.#process = undefined
    this.#remote = undefined
  }

  async killStarting(afterMs: number): Promise<void> {
    this.#start()
    await wait(afterMs)
    await this.kill()
  }

  #start(): Started {
    const where = ['--data-dir', join(this.#folder, 'data'), '--kubeconfig', join(this.#folder, 'kubeconfig')]
    const env = { PATH: process.env['PATH'], HOME: this.#folder, NO_COLOR: '1' }
    const args = [optiflow, 'server', ...where, '--listen', `127.0.0.1:${this.#port}`]
    this.#process = start(process.execPath, args, { env })
    return this.#process
  }
}
