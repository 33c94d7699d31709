import { type Transferable, Worker } from 'node:worker_threads'
import { StoreFailed } from '../store.ts'
import { errorOf, ThreadFailure } from './failure.ts'
import type { CommitGroup, Committed, Opened, Reply, Request, ThreadOptions } from './protocol.ts'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** The main thread's end of one thread of the store. */
export class Thread {
  readonly #worker: Worker
  readonly #path: string
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #ending = false
  #failed: Error | undefined
  /** Resolves when the thread is gone. */
  readonly exited: Promise<void>
  /** What became of groups of commits. */
  onCommitted: (committed: Committed) => void = () => {}
  /** The thread ended by itself. */
  onFailed: (error: Error) => void = () => {}

  /** Starts it and waits until it has opened the file. @throws ThreadFailure */
  static async start(
    file: URL,
    options: ThreadOptions,
  ): Promise<{ thread: Thread; opened: Opened & { opened: true } }> {
    const worker = new Worker(file, { workerData: options, execArgv: [], name: `optiflow-store-${options.role}` })
    const thread = new Thread(worker, options.path)
    const opened = await new Promise<Opened>((resolve, reject) => {
      worker.once('message', resolve)
      thread.onFailed = reject
    })
    thread.onFailed = () => {}
    if (!opened.opened) {
      thread.#ending = true
      await thread.exited
      throw new ThreadFailure(opened.failure)
    }
    worker.on('message', (message: Committed | Reply) => thread.#receive(message))
    return { thread, opened }
  }

  private constructor(worker: Worker, path: string) {
    this.#worker = worker
    this.#path = path
    worker.on('error', cause => this.#fail(new StoreFailed('a thread of the store crashed', { cause })))
    this.exited = new Promise(resolve => {
      worker.on('exit', code => {
        this.#fail(new StoreFailed(`a thread of the store ended with code ${code}`))
        resolve()
      })
    })
  }

  ask<T>(request: Request, moved: Transferable[] = []): Promise<T> {
    if (this.#failed) return Promise.reject(this.#failed)
    return new Promise<T>((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
      this.#worker.postMessage({ id, request }, moved)
    })
  }

  send(group: CommitGroup, moved: ArrayBuffer[]): void {
    this.#worker.postMessage(group, moved)
  }

  /** Lets it finish what it has, close its file and end. */
  async close(): Promise<void> {
    if (this.#failed) return this.exited
    const closed = this.ask<void>({ type: 'close' })
    this.#ending = true
    try {
      await closed
    } finally {
      await this.exited
    }
  }

  #receive(message: Committed | Reply): void {
    if (message.type === 'committed') {
      this.onCommitted(message)
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if ('failure' in message) waiting?.reject(errorOf(message.failure, this.#path))
    else waiting?.resolve(message.result)
  }

  #fail(error: Error): void {
    if (this.#failed) return
    this.#failed = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    if (!this.#ending) this.onFailed(error)
  }
}
