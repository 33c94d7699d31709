import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  type Change,
  type Key,
  type Revision,
  type Store,
  StoreConflict,
  StoreFailed,
  type Versioned,
} from '../store.ts'

export interface Question {
  id: number
  key: Key
  /** Of a commit; a read has none. */
  commit?: { value: Uint8Array | undefined; seen: [Key, Revision][] }
}

/** What came out; or what was there instead, null: nothing; or why it failed. The first one, with id 0, says that the store is open. */
export type Answer =
  | { id: number; result: unknown }
  | { id: number; moved: Versioned | null }
  | { id: number; failed: string }

interface Asked {
  key: Key
  resolve(result: unknown): void
  reject(error: Error): void
}

const script = fileURLToPath(new URL('./served.ts', import.meta.url))

/** A SQLite store in a process of its own, which can be killed and paused. Whoever asks meanwhile waits for the next one. */
export class StoreProcess {
  readonly #path: string
  #up: Promise<ChildProcess>
  readonly #asked = new Map<number, Asked>()
  #next = 1

  constructor(path: string) {
    this.#path = path
    this.#up = this.#start()
  }

  /** What clients of this process see of its store. */
  get store(): Pick<Store, 'get' | 'commit'> {
    return {
      get: async key => (await this.#ask({ key })) as Versioned | undefined,
      commit: async ([change], seen) => (await this.#ask(commitOf(change!, seen))) as Revision,
    }
  }

  /** With -9; what is under way fails, and the next process begins. */
  async kill(): Promise<void> {
    const child = await this.#up
    this.#up = once(child, 'close').then(() => this.#start())
    child.kill('SIGKILL')
    await this.#up
  }

  async pause(ms: number): Promise<void> {
    const child = await this.#up
    child.kill('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, ms))
    child.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    const child = await this.#up
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(script, [this.#path], { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
    child.on('message', (answer: Answer) => this.#answered(answer))
    child.on('close', () => this.#fail())
    const [first] = (await Promise.race([once(child, 'message'), once(child, 'close')])) as [unknown]
    if (typeof first !== 'object') throw new Error(`the store's process ended with ${first}`)
    return child
  }

  async #ask(question: Omit<Question, 'id'>): Promise<unknown> {
    const child = await this.#up
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { key: question.key, resolve, reject })
      child.send({ id, ...question }, error => {
        if (error) this.#fail()
      })
    })
  }

  #answered(answer: Answer): void {
    const asked = this.#asked.get(answer.id)
    this.#asked.delete(answer.id)
    if ('result' in answer) asked?.resolve(answer.result)
    else if ('moved' in answer) asked?.reject(new StoreConflict(asked.key, answer.moved ?? undefined))
    else asked?.reject(new StoreFailed(answer.failed))
  }

  #fail(): void {
    for (const { reject } of this.#asked.values()) reject(new StoreFailed('the process is gone'))
    this.#asked.clear()
  }
}

const commitOf = ({ key, value }: Change, seen: ReadonlyMap<Key, Revision>) => ({
  key,
  commit: { value, seen: [...seen] },
})
