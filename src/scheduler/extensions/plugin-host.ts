import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { OptiFlowError } from '../../base/errors.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { Resources } from '../snapshot.ts'
import { workerSource } from './worker-source.ts'

/** A node as a plugin sees it. */
export interface PluginNode {
  name: string
  labels: Record<string, string>
  annotations: Record<string, string>
  taints: readonly { key: string; value?: string; effect: string }[]
  allocatable: Resources
  /** Sum of the requests of what runs there. */
  requested: Resources
  /** How many pods run there. */
  pods: number
}

/** A refusal, or a score in 0 … 100. */
export type Answer = readonly [refusal: string | undefined, score: number]

interface Reply {
  id: number
  answers?: Answer[]
  error?: string
}

/** The plugin failed, or took too long. */
export class PluginFailed extends OptiFlowError {}

/** A plugin has its own heap; what outgrows it ends the plugin, not the scheduler. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 }

/** Runs one plugin in a thread of its own and asks it as if it were a function: whoever asks waits, but not for long. */
export class PluginHost {
  readonly filters: boolean
  readonly scores: boolean
  readonly #worker: Worker
  readonly #flag: Int32Array
  readonly #port: MessagePort
  readonly #limitMs: number
  #id = 0

  private constructor(worker: Worker, flag: Int32Array, port: MessagePort, limitMs: number, loaded: Loaded) {
    this.#worker = worker
    this.#flag = flag
    this.#port = port
    this.#limitMs = limitMs
    this.filters = loaded.filters
    this.scores = loaded.scores
  }

  /** @throws PluginFailed if it cannot be loaded */
  static async start(name: string, source: string, limitMs: number): Promise<PluginHost> {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const { port1, port2 } = new MessageChannel()
    const worker = new Worker(workerSource, {
      eval: true,
      env: {},
      workerData: { source, name, flag: flag.buffer, port: port2 },
      transferList: [port2],
      resourceLimits,
    })
    // Neither keeps a process alive that has nothing else to do.
    worker.unref()
    port1.unref()
    const loaded = await load(worker)
    if ('error' in loaded) {
      port1.close()
      await worker.terminate()
      throw new PluginFailed(`cannot load it: ${loaded.error}`)
    }
    return new PluginHost(worker, flag, port1, limitMs, loaded)
  }

  /** @throws PluginFailed if it throws, or has not answered in time: then it is ended. */
  ask(pod: Pod, nodes: readonly PluginNode[]): Answer[] {
    const id = ++this.#id
    this.#worker.postMessage({ id, pod, nodes })
    if (Atomics.wait(this.#flag, 0, id - 1, this.#limitMs) === 'timed-out') {
      this.close()
      throw new PluginFailed(`no answer in ${this.#limitMs} ms`)
    }
    const reply = receiveMessageOnPort(this.#port)?.message as Reply | undefined
    if (!reply?.answers) throw new PluginFailed(reply?.error ?? 'its thread has ended')
    return reply.answers
  }

  close(): void {
    this.#port.close()
    void this.#worker.terminate()
  }
}

interface Loaded {
  filters: boolean
  scores: boolean
}

function load(worker: Worker): Promise<Loaded | { error: string }> {
  return new Promise(resolve => {
    worker.once('message', resolve)
    worker.on('error', error => resolve({ error: error.message }))
    worker.once('exit', () => resolve({ error: 'its thread has ended' }))
  })
}
