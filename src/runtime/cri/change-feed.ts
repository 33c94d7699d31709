import { type Clock, sleep } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Connection } from './connection.ts'
import type { Observer } from './observer.ts'
import { containerdProtocol } from './protocol.ts'

interface Envelope {
  namespace: string
  topic: string
  event: { type_url: string; value: Buffer } | null
}

/** Not starts: nobody but us starts anything of ours, and we look afterwards. */
const topics: Record<string, string> = {
  '/tasks/exit': 'containerd.events.TaskExit',
  '/tasks/oom': 'containerd.events.TaskOOM',
  '/containers/delete': 'containerd.events.ContainerDelete',
}

/** Events are trusted to come when they have been asked for so long ago. */
const hearingMs = 1_000

/**
 * Listens to containerd's events and says which pod changed. While there are no events (containerd is away, or another
 * runtime answers here) it says every second that something may have changed.
 */
export class ChangeFeed {
  readonly #connection: Connection
  readonly #observer: Observer
  readonly #clock: Clock
  readonly #log: Logger
  readonly #listeners = new Set<(podUid: string | undefined) => void>()
  #running: AbortController | undefined

  constructor(connection: Connection, observer: Observer, clock: Clock, log: Logger) {
    this.#connection = connection
    this.#observer = observer
    this.#clock = clock
    this.#log = log
  }

  /** Events flow from the first listener to the last. */
  listen(callback: (podUid: string | undefined) => void): () => void {
    this.#listeners.add(callback)
    if (!this.#running) {
      this.#running = new AbortController()
      void this.#run(this.#running.signal)
    }
    return () => {
      this.#listeners.delete(callback)
      if (!this.#listeners.size) this.close()
    }
  }

  close(): void {
    this.#running?.abort()
    this.#running = undefined
  }

  async #run(signal: AbortSignal): Promise<void> {
    const filters = Object.keys(topics).map(topic => `namespace==k8s.io,topic==${JSON.stringify(topic)}`)
    let said = false
    while (!signal.aborted) {
      // Nothing says that containerd has taken us in; by then it has, or has refused.
      const heard = this.#clock.schedule(hearingMs, () => {
        this.#observer.hearing = true
      })
      try {
        const events = this.#connection.containerdStream<Envelope>('events.v1.Events', 'Subscribe', { filters }, signal)
        for await (const envelope of events) {
          said = false
          this.#take(envelope, signal)
        }
      } catch (error) {
        if (!said)
          this.#log.warn({ error: explain(error) }, 'no events from the container runtime; looking every second')
        said = true
      } finally {
        heard()
        this.#observer.hearing = false
      }
      // What happened while nobody listened.
      await sleep(this.#clock, 1_000, signal).catch(() => {})
      if (!signal.aborted) this.#tell(undefined)
    }
  }

  #take({ topic, event }: Envelope, signal: AbortSignal): void {
    const message = topics[topic]
    if (!message || !event) return
    const { container_id, id } = containerdProtocol.decode<{ container_id?: string; id?: string }>(message, event.value)
    const container = container_id || id || ''
    // Processes of exec have an id of their own within the container; they are no change of the pod.
    if (container_id && id && id !== container_id) return
    if (topic === '/tasks/oom') this.#observer.forget(container)
    if (topic === '/tasks/exit') void this.#whenVisible(container, signal)
    else this.#tell(this.#observer.podOf(container))
  }

  /** The event of an end comes before CRI knows of it; who looked at once would see the container running still. */
  async #whenVisible(container: string, signal: AbortSignal): Promise<void> {
    for (let waitMs = 2; waitMs < 2_000 && !signal.aborted; waitMs *= 2) {
      const status = await this.#observer.status(container).catch(() => undefined)
      // A sandbox's own process is no container; then there is nothing to wait for.
      if (!status || status.state === 'CONTAINER_EXITED') break
      await sleep(this.#clock, waitMs, signal).catch(() => {})
    }
    if (!signal.aborted) this.#tell(this.#observer.podOf(container))
  }

  #tell(podUid: string | undefined): void {
    this.#observer.doubt(podUid)
    for (const listener of this.#listeners) listener(podUid)
  }
}
