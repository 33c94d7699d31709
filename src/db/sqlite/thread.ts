import { MessageChannel, type MessagePort, receiveMessageOnPort, type Transferable, Worker } from 'node:worker_threads'
import { StoreFailed } from '../store.ts'
import { Bell } from './bell.ts'
import { errorOf, ThreadFailure } from './failure.ts'
import { Lookout } from './lookout.ts'
import type { CommitGroup, Committed, Numbered, Opened, Reply, Request, ThreadData, ThreadOptions } from './protocol.ts'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** Our end of what is said, and what is rung for each message: to the thread, and by it. */
interface Line {
  port: MessagePort
  sent: Bell
  answered: Bell
}

/** The main thread's end of one thread of the store. */
export class Thread {
  readonly #port: MessagePort
  readonly #sent: Bell
  readonly #answers: Lookout
  readonly #path: string
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #onOpened: (opened: Opened) => void = () => {}
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
    const { port1, port2 } = new MessageChannel()
    const [sent, answered] = [new Bell(), new Bell()]
    const workerData: ThreadData = { ...options, port: port2, sent: sent.memory, answered: answered.memory }
    const name = `optiflow-store-${options.role}`
    const worker = new Worker(file, { workerData, transferList: [port2], execArgv: [], name })
    const thread = new Thread(worker, options.path, { port: port1, sent, answered })
    const opened = await new Promise<Opened>((resolve, reject) => {
      thread.#onOpened = resolve
      thread.onFailed = reject
      port1.on('message', message => thread.#receive(message))
    })
    thread.onFailed = () => {}
    if (!opened.opened) {
      thread.#ending = true
      await thread.exited
      throw new ThreadFailure(opened.failure)
    }
    return { thread, opened }
  }

  private constructor(worker: Worker, path: string, { port, sent, answered }: Line) {
    this.#port = port
    this.#path = path
    this.#sent = sent
    this.#answers = new Lookout(answered)
    worker.on('error', cause => this.#fail(new StoreFailed('a thread of the store crashed', { cause })))
    this.exited = new Promise(resolve => {
      worker.on('exit', code => {
        // Its last words may come later than its end.
        this.#take()
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
      this.#send({ id, request }, moved)
    })
  }

  send(group: CommitGroup, moved: ArrayBuffer[]): void {
    this.#send(group, moved)
  }

  #send(message: CommitGroup | Numbered, moved: Transferable[]): void {
    this.#port.postMessage(message, moved)
    this.#sent.ring()
  }

  /** Keeps the main thread for a moment, if an answer mostly comes within it; the answer is handed on before this returns. */
  lookOut(): void {
    const { heard } = this.#answers
    if (!this.#take() && this.#answers.keep(heard)) this.#take()
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

  /** @returns whether something was there */
  #take(): boolean {
    let taken = false
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#receive(next.message)
      taken = true
    }
    return taken
  }

  #receive(message: Opened | Committed | Reply): void {
    if ('opened' in message) {
      this.#onOpened(message)
      return
    }
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
