import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
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
/** How often the folder is looked over for what no event told. */
const lookAgainMs = 2_000
const askTimeoutMs = 5_000

/**
 * Watches the folder where plugins put their registration sockets (kubelet's plugin registration). A socket that was made
 * anew is a plugin that started anew; one that fails is asked again with the next look.
 */
export class PluginWatcher {
  readonly #options: PluginWatcherOptions
  readonly #known = new Map<string, { made: string; plugin: RegisteredPlugin }>()
  readonly #stop = new AbortController()
  #looking: Promise<void> | undefined
  #again = false
  #cancel: (() => void) | undefined

  constructor(options: PluginWatcherOptions) {
    this.#options = options
  }

  /** Resolves when what is there has been registered. */
  async start(): Promise<void> {
    const { disk, folder } = this.#options
    await disk.makeFolder(folder, { mode: 0o750 })
    void disk.watch(folder, () => void this.look(), this.#stop.signal).catch(() => {})
    await this.look()
    this.#tick()
  }

  #tick(): void {
    this.#cancel = this.#options.clock.schedule(lookAgainMs, () => {
      void this.look().finally(() => {
        if (!this.#stop.signal.aborted) this.#tick()
      })
    })
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
        if (!this.#again || this.#stop.signal.aborted) return
        this.#again = false
        void this.look()
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    const found = await this.#sockets()
    for (const [path, { made, plugin }] of this.#known)
      if (found.get(path) !== made) {
        this.#known.delete(path)
        this.#kindOf(plugin.type)?.deregister(plugin)
      }
    for (const [path, made] of found) {
      if (this.#known.has(path) || this.#stop.signal.aborted) continue
      try {
        this.#known.set(path, { made, plugin: await this.#register(path) })
      } catch (error) {
        this.#options.log.warn({ socket: path, error: explain(error) }, 'plugin not registered')
      }
    }
  }

  /** What tells one socket from its successor of the same name, by path. */
  async #sockets(): Promise<Map<string, string>> {
    const { disk, folder } = this.#options
    const found = new Map<string, string>()
    const folders = [folder]
    for (let at = folders.pop(); at !== undefined; at = folders.pop())
      for (const entry of await disk.list(at).catch(absent))
        if (entry.isDirectory()) folders.push(join(at, entry.name))
        else if (entry.isSocket()) {
          const stat = await disk.stat(join(at, entry.name)).catch(() => undefined)
          if (stat) found.set(join(at, entry.name), `${stat.ino}/${stat.ctimeMs}`)
        }
    return found
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
    this.#cancel?.()
    await this.#looking
  }
}

function absent(error: unknown): [] {
  if (codeOf(error) === 'ENOENT') return []
  throw error
}
