import { type Clock, timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { SchedulerPlugin as PluginObject } from '../../models/kinds/index.ts'
import type { WeightedPlugin } from '../plugins/index.ts'
import { extensionPlugin } from './extension.ts'
import { PluginHost } from './plugin-host.ts'

export interface ExtensionsOptions {
  clock: Clock
  /** The rules that run are other ones now. */
  changed(): void
  /** Whether a plugin works: for its status. */
  report(plugin: PluginObject, status: NonNullable<PluginObject['status']>): void
}

interface Running {
  generation: number
  schedulerName: string
  weighted: WeightedPlugin
  host: PluginHost
}

/** The plugins that people have added, each in its thread. A new version replaces the old one only once it is loaded. */
export class Extensions {
  readonly #options: ExtensionsOptions
  readonly #running = new Map<string, Running>()
  /** The newest version asked for, by name. */
  readonly #wanted = new Map<string, PluginObject>()

  constructor(options: ExtensionsOptions) {
    this.#options = options
  }

  for(schedulerName: string): WeightedPlugin[] {
    return [...this.#running.values()].filter(r => r.schedulerName === schedulerName).map(r => r.weighted)
  }

  async set(plugin: PluginObject): Promise<void> {
    const { name, generation = 0 } = plugin.metadata
    const known = this.#wanted.get(name)
    this.#wanted.set(name, plugin)
    if (known && (known.metadata.generation ?? 0) === generation) return
    const { source, weight = 1, timeoutMilliseconds = 200, schedulerName = 'default-scheduler' } = plugin.spec
    try {
      const host = await PluginHost.start(name, source, timeoutMilliseconds)
      if (!this.#isWanted(plugin)) return host.close()
      const rule = extensionPlugin(name, host, error => this.#report(name, error))
      this.#running.get(name)?.host.close()
      this.#running.set(name, { generation, schedulerName, host, weighted: { plugin: rule, weight } })
      this.#report(name)
      this.#options.changed()
    } catch (error) {
      // The version before, if there is one, goes on.
      if (this.#isWanted(plugin)) this.#report(name, error)
    }
  }

  delete(name: string): void {
    this.#wanted.delete(name)
    this.#running.get(name)?.host.close()
    if (this.#running.delete(name)) this.#options.changed()
  }

  close(): void {
    this.#wanted.clear()
    for (const { host } of this.#running.values()) host.close()
    this.#running.clear()
  }

  #isWanted({ metadata }: PluginObject): boolean {
    return (this.#wanted.get(metadata.name)?.metadata.generation ?? -1) === (metadata.generation ?? 0)
  }

  #report(name: string, error?: unknown): void {
    const plugin = this.#wanted.get(name)
    if (!plugin) return
    const state = error === undefined ? 'Active' : 'Failed'
    const message = error === undefined ? '' : explain(error)
    const { status, metadata } = plugin
    const observedGeneration = metadata.generation ?? 0
    if (
      status?.state === state &&
      status.observedGeneration === observedGeneration &&
      (status.message ?? '') === message
    )
      return
    const lastTransitionTime = timestamp(this.#options.clock)
    this.#options.report(plugin, { state, observedGeneration, lastTransitionTime, ...(message ? { message } : {}) })
  }
}
