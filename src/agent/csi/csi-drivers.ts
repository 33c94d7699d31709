import type { Clock } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Client } from '../../client/index.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../models/api-error.ts'
import { Node } from '../../models/kinds/core/node.ts'
import { CSINode } from '../../models/kinds/storage/csi-node.ts'
import type { CSINodeDriver } from '../../models/types/storage-v1.ts'
import { CsiDriver, type NodeInfo } from '../../plugins/index.ts'
import type { PluginKind, RegisteredPlugin } from '../plugin/plugin-watcher.ts'
import { withDriver, withoutDriver } from './csi-node.ts'

export interface CsiDriversOptions {
  nodeName: string
  client: Client
  clock: Clock
  log: Logger
}

const attempts = 5

/** The CSI drivers that have registered on this node, as its CSINode tells them. */
export class CsiDrivers implements PluginKind, Disposable {
  readonly type = 'CSIPlugin'
  readonly #options: CsiDriversOptions
  readonly #drivers = new Map<string, CsiDriver>()
  /** Writes of the CSINode, one after the other. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(options: CsiDriversOptions) {
    this.#options = options
  }

  /** @throws Error when no driver of that name has registered here */
  get(name: string): CsiDriver {
    const driver = this.#drivers.get(name)
    if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
    return driver
  }

  /** Every node has a CSINode, whether or not it has drivers. */
  announce(): Promise<void> {
    return this.#write(drivers => drivers)
  }

  async register({ name, endpoint, supported_versions }: RegisteredPlugin): Promise<void> {
    if (!supported_versions.some(version => /^v?1(\.|$)/.test(version)))
      throw new Error(`driver ${name} speaks CSI ${supported_versions.join(', ')}; this node speaks 1.x`)
    const driver = new CsiDriver(endpoint, this.#options.clock)
    try {
      const info = await driver.nodeInfo()
      await this.#write(drivers => withDriver(drivers, name, info))
      await this.#label(info)
    } catch (error) {
      driver[Symbol.dispose]()
      throw error
    }
    this.#drivers.get(name)?.[Symbol.dispose]()
    this.#drivers.set(name, driver)
  }

  deregister({ name }: RegisteredPlugin): void {
    this.#drivers.get(name)?.[Symbol.dispose]()
    this.#drivers.delete(name)
    const { log } = this.#options
    void this.#write(drivers => withoutDriver(drivers, name)).catch(error =>
      log.warn({ driver: name, error: explain(error) }, 'CSINode still names a driver that is gone'),
    )
  }

  /** Where a driver's volumes can be reached is told to the scheduler by labels of the node. */
  async #label({ accessible_topology }: NodeInfo): Promise<void> {
    const labels = accessible_topology?.segments ?? {}
    if (!Object.keys(labels).length) return
    const { client, nodeName } = this.#options
    await client.patch(Node, { name: nodeName }, { type: 'merge', body: { metadata: { labels } } })
  }

  #write(change: (drivers: CSINodeDriver[]) => CSINodeDriver[]): Promise<void> {
    const written = this.#writing.then(() => this.#change(change))
    this.#writing = written.catch(() => {})
    return written
  }

  async #change(change: (drivers: CSINodeDriver[]) => CSINodeDriver[]): Promise<void> {
    const { client, nodeName: name } = this.#options
    for (let attempt = 1; ; attempt++)
      try {
        const found = await client.get(CSINode, { name }).catch(error => {
          if (isNotFound(error)) return undefined
          throw error
        })
        const drivers = change(found?.spec.drivers ?? [])
        if (found && sameMeaning(found.spec.drivers ?? [], drivers)) return
        if (found) await client.update(CSINode, { ...found, spec: { ...found.spec, drivers } })
        else await client.create<CSINode>(CSINode, await this.#draft(drivers))
        return
      } catch (error) {
        if (attempt >= attempts || !(isConflict(error) || isAlreadyExists(error))) throw error
      }
  }

  async #draft(drivers: CSINode['spec']['drivers']) {
    const { client, nodeName: name } = this.#options
    const { metadata } = await client.get(Node, { name })
    return {
      metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: metadata.uid! }] },
      spec: { drivers },
    }
  }

  [Symbol.dispose]() {
    for (const driver of this.#drivers.values()) driver[Symbol.dispose]()
    this.#drivers.clear()
  }
}
