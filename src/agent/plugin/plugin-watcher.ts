import { join } from 'node:path'
import { backoffMs } from '../../base/backoff.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { codeOf, explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { kubeletProtocol, PluginSocket } from '../../plugins/index.ts'

/** A plugin that wants to be known. */
export interface RegisteredPlugin {
  /** `CSIPlugin`, `DevicePlugin`, `DRAPlugin`. */
  type: string
  name: string
  /** Its socket. */
  endpoint: string
  supported_versions: string[]
}

export interface PluginKind {
  type: string
  /** Rejects with the reason why the plugin is not taken, which it is told. */
  register(plugin: RegisteredPlugin): Promise<void>
  /** Its registration socket is gone. */
  deregister(plugin: RegisteredPlugin): void
}

export interface PluginWatcherOptions {
  /** `<kubelet>/plugins_registry` */
  folder: string
  kinds: PluginKind[]
  disk: Disk
  clock: Clock
  log: Logger
}

const service = 'pluginregistration.Registration'
/** How often the folders are looked over for what no event told. */
const relistMs = 60_000
/** The same where folders cannot be watched. */
const unwatchedMs = 2_000
/** A plugin that did not answer, or was not taken, is asked again so soon, then less and less often. */
const retries = { baseMs: 500, maxMs: 122_000 }
const askTimeoutMs = 5_000

/**
 * Watches the folder where plugins put their registration sockets (kubelet's plugin registration), and those below it. A
 * socket that was made anew is a plugin that started anew; one that fails is asked again after a while.
 */
export class PluginWatcher {
  readonly #options: PluginWatcherOptions
  readonly #known = new Map<string, { made: string; plugin: RegisteredPlugin }>()
  /** By path: sockets whose plugin was not registered, and when (monotonic) each is asked again. */
  readonly #failed = new Map<string, { made: string; count: number; dueMonoMs: number }>()
  /** By folder: ends the watch of it. */
  readonly #watches = new Map<string, AbortController>()
  readonly #stop = new AbortController()
  #watchable = true
  #looking: Promise<void> | undefined
  #again = false
  #cancel: Cancel | undefined

  constructor(options: PluginWatcherOptions) {
    this.#options = options
  }

  /** Resolves when what is there has been registered. */
  async start(): Promise<void> {
    const { disk, folder } = this.#options
    await disk.makeFolder(folder, { mode: 0o750 })
    await this.look()
  }

  /** One look at a time; what changes meanwhile is seen by the next. */
  look(): Promise<void> {
    if (this.#looking) {
      this.#again = true
      return this.#looking
    }
    this.#looking = this.#look()
      .catch(error => this.#options.log.warn({ error: explain(error) }, 'plugins not looked at'))
      .finally(() => {
        this.#looking = undefined
        if (this.#stop.signal.aborted) return
        if (!this.#again) return this.#lookLater()
        this.#again = false
        void this.look()
      })
    return this.#looking
  }

  #lookLater(): void {
    this.#cancel?.()
    const { clock } = this.#options
    const now = clock.monotonicMs()
    const dueMs = [...this.#failed.values()].map(({ dueMonoMs }) => dueMonoMs - now)
    const delayMs = Math.max(Math.min(this.#watchable ? relistMs : unwatchedMs, ...dueMs), 0)
    this.#cancel = clock.schedule(delayMs, () => void this.look())
  }

  async #look(): Promise<void> {
    const found = await this.#sockets()
    for (const [path, { made, plugin }] of this.#known)
      if (found.get(path) !== made) {
        this.#known.delete(path)
        this.#kindOf(plugin.type)?.deregister(plugin)
      }
    for (const [path, { made }] of this.#failed) if (found.get(path) !== made) this.#failed.delete(path)
    for (const [path, made] of found) if (this.#isDue(path)) await this.#take(path, made)
  }

  #isDue(path: string): boolean {
    if (this.#known.has(path) || this.#stop.signal.aborted) return false
    const { dueMonoMs = 0 } = this.#failed.get(path) ?? {}
    return dueMonoMs <= this.#options.clock.monotonicMs()
  }

  async #take(path: string, made: string): Promise<void> {
    const { clock, log } = this.#options
    try {
      this.#known.set(path, { made, plugin: await this.#register(path) })
      this.#failed.delete(path)
    } catch (error) {
      const count = (this.#failed.get(path)?.count ?? 0) + 1
      this.#failed.set(path, { made, count, dueMonoMs: clock.monotonicMs() + backoffMs(retries, count) })
      log.warn({ socket: path, error: explain(error) }, 'plugin not registered')
    }
  }

  /** What tells each socket from its successor of the same name, by path. Folders are watched before they are read, so that nothing comes in between. */
  async #sockets(): Promise<Map<string, string>> {
    const { disk, folder } = this.#options
    const found = new Map<string, string>()
    const seen = new Set<string>()
    const folders = [folder]
    for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
      seen.add(at)
      this.#watch(at)
      for (const entry of await disk.list(at).catch(absent))
        if (entry.isDirectory()) folders.push(join(at, entry.name))
        else if (entry.isSocket()) {
          const stat = await disk.stat(join(at, entry.name)).catch(() => undefined)
          if (stat) found.set(join(at, entry.name), `${stat.ino}/${stat.ctimeMs}`)
        }
    }
    for (const [at, watch] of this.#watches) if (!seen.has(at)) this.#unwatch(at, watch)
    return found
  }

  #watch(folder: string): void {
    if (this.#watches.has(folder) || this.#stop.signal.aborted) return
    const watch = new AbortController()
    this.#watches.set(folder, watch)
    this.#options.disk
      .watch(folder, () => void this.look(), watch.signal)
      .catch(error => {
        // A folder that has gone meanwhile says nothing about the others.
        if (codeOf(error) === 'ENOENT') return
        this.#watchable = false
        this.#options.log.warn({ folder, error: explain(error) }, 'plugins are looked for instead of watched')
      })
      .finally(() => {
        if (this.#watches.get(folder) === watch) this.#watches.delete(folder)
      })
  }

  #unwatch(folder: string, watch: AbortController): void {
    this.#watches.delete(folder)
    watch.abort(new DOMException('the folder is gone', 'AbortError'))
  }

  async #register(path: string): Promise<RegisteredPlugin> {
    using socket = new PluginSocket(path, this.#options.clock)
    const plugin = await socket.call<RegisteredPlugin>(kubeletProtocol, service, 'GetInfo', {}, askTimeoutMs)
    const notify = (status: object) =>
      socket.call(kubeletProtocol, service, 'NotifyRegistrationStatus', status, askTimeoutMs)
    try {
      const kind = this.#kindOf(plugin.type)
      if (!kind) throw new Error(`plugins of type ${plugin.type} are not known to this node`)
      const registered = { ...plugin, endpoint: plugin.endpoint || path }
      await kind.register(registered)
      await notify({ plugin_registered: true })
      this.#options.log.info({ plugin: plugin.name, type: plugin.type }, 'plugin registered')
      return registered
    } catch (error) {
      await notify({ plugin_registered: false, error: explain(error) }).catch(() => {})
      throw error
    }
  }

  #kindOf(type: string): PluginKind | undefined {
    return this.#options.kinds.find(kind => kind.type === type)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#looking
    this.#cancel?.()
    for (const [folder, watch] of this.#watches) this.#unwatch(folder, watch)
  }
}

function absent(error: unknown): [] {
  if (codeOf(error) === 'ENOENT') return []
  throw error
}
