import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { Counter, Gauge, type Registry } from 'prom-client'
import { type Clock, every } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

const againMs = 60_000

export interface Following {
  /** What the file is about, as metrics and the log call it. */
  what: 'authentication' | 'authorization'
  disk: Disk
  clock: Clock
  log: Logger
  registry: Registry
  /** The server's own name, for metrics; '' while it has none. */
  server: () => string
}

/**
 * A configuration that is read again whenever its file has changed, and every minute, as kube-apiserver does. One that cannot be
 * used leaves the old one as it is.
 */
export class FollowedFile {
  readonly #path: string
  readonly #disk: Disk
  #text: string | undefined

  private constructor(path: string, disk: Disk, text: string | undefined) {
    this.#path = path
    this.#disk = disk
    this.#text = text
  }

  /** To be opened before the configuration is read for the first time: what changes afterwards is noticed. */
  static async open(path: string, disk: Disk): Promise<FollowedFile> {
    return new FollowedFile(path, disk, await disk.readText(path).catch(() => undefined))
  }

  /** @param load reads the configuration and puts it to use; throws when it cannot be used */
  follow(load: () => Promise<void>, following: Following): Disposable {
    const { disk, clock, log, what } = following
    const stop = new AbortController()
    const results = resultsOf(following)
    let checking: Promise<void> = Promise.resolve()
    const check = () => (checking = checking.then(() => (stop.signal.aborted ? undefined : this.#check(load, results))))
    every(clock, againMs, check, stop.signal)
    void disk.watch(dirname(this.#path), check, stop.signal).catch(error => {
      log.warn({ file: this.#path, error: explain(error) }, `the ${what} configuration is looked at once a minute only`)
    })
    return { [Symbol.dispose]: () => stop.abort() }
  }

  async #check(load: () => Promise<void>, { succeeded, failed }: Results): Promise<void> {
    let text: string
    try {
      text = await this.#disk.readText(this.#path)
    } catch (error) {
      return failed(error)
    }
    if (text === this.#text) return
    this.#text = text
    try {
      await load()
      succeeded()
    } catch (error) {
      failed(error)
    }
  }
}

interface Results {
  succeeded(): void
  failed(error: unknown): void
}

function resultsOf({ what, log, registry, clock, server }: Following): Results {
  const name = (last: string) => `apiserver_${what}_config_controller_automatic_reload${last}`
  const labelNames = ['status', 'apiserver_id_hash'] as const
  const registers = [registry]
  const total = new Counter({
    ...{ name: name('s_total'), labelNames, registers },
    help: `How often the ${what} configuration was read again.`,
  })
  const last = new Gauge({
    ...{ name: name('_last_timestamp_seconds'), labelNames, registers },
    help: `When the ${what} configuration was read again.`,
  })
  const note = (status: 'success' | 'failure') => {
    const id = server()
    const labels = { status, apiserver_id_hash: id && `sha256:${createHash('sha256').update(id).digest('hex')}` }
    total.inc(labels)
    last.set(labels, clock.now() / 1000)
  }
  return {
    succeeded() {
      log.info({}, `${what} configuration read again`)
      note('success')
    },
    failed(error) {
      log.error({ error: explain(error) }, `the ${what} configuration cannot be used; the one before stays`)
      note('failure')
    },
  }
}
