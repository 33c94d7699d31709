import { type Clock, every } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { findUplink } from '../../base/uplink.ts'
import type { Informer } from '../../client/index.ts'
import type { Node } from '../../models/kinds/index.ts'
import { pathScript, readPaths, runPathScript, wantedPaths } from './kernel-paths.ts'
import { addressesOf, type Encapsulation, type Path, planPaths, podCidrsOf } from './plan-paths.ts'
import { ensureTunnel, removeTunnel } from './tunnel.ts'

export interface PodPathsOptions {
  nodeName: string
  /** Address at which the others reach this node. */
  nodeIp: string
  /** Of this node's pods. */
  podCidrs: readonly string[]
  encapsulation: Encapsulation
  nodes: Pick<Informer<Node>, 'synced' | 'list' | 'subscribe'>
  commands: Commands
  clock: Clock
  log: Logger
}

/** Changes that come within this time are written together. */
const gatherMs = 20
/** How often we look whether somebody took something away. */
const auditMs = 5_000

/**
 * Keeps the kernel's ways to other nodes' pods: routes, and the tunnel with who is behind it. What somebody takes away
 * comes back. Disposing leaves all in place.
 */
export class PodPaths implements AsyncDisposable {
  readonly #options: PodPathsOptions
  readonly #stop = new AbortController()
  readonly #unsubscribe: () => void
  #scheduled = false
  #running: Promise<void> = Promise.resolve()
  /** Lines that failed, so that one that goes on failing is told of once. */
  #failing = new Set<string>()

  constructor(options: PodPathsOptions) {
    this.#options = options
    const { nodes, clock } = options
    const changed = () => this.#changed()
    // A node's heartbeats change nothing here.
    const updated = (node: Node, old: Node) => {
      if (signOf(node) !== signOf(old)) changed()
    }
    this.#unsubscribe = nodes.subscribe({ added: changed, updated, deleted: changed })
    every(clock, auditMs, () => this.#soon(), this.#stop.signal)
  }

  /** Resolves when the kernel was told what is known now. */
  async now(): Promise<void> {
    await this.#soon()
  }

  #changed(): void {
    if (this.#scheduled || this.#stop.signal.aborted) return
    this.#scheduled = true
    this.#options.clock.schedule(gatherMs, () => {
      this.#scheduled = false
      void this.#soon()
    })
  }

  #soon(): Promise<void> {
    const { log } = this.#options
    this.#running = this.#running
      .then(() => this.#sync())
      .catch(error => log.warn({ error: explain(error) }, 'routes to other nodes not written, will try again'))
    return this.#running
  }

  async #sync(): Promise<void> {
    const { nodes, commands, encapsulation, nodeName, nodeIp, podCidrs, log } = this.#options
    if (this.#stop.signal.aborted || !nodes.synced) return
    const uplink = await findUplink(commands, nodeIp)
    const paths = planPaths({ nodes: nodes.list(), nodeName, uplink, encapsulation })
    if (encapsulation !== 'none' && uplink && paths.length) {
      if (await ensureTunnel(commands, uplink, podCidrs))
        log.info({ through: uplink.name }, 'tunnel to other nodes made')
    } else await removeTunnel(commands)
    const script = pathScript(await readPaths(commands), wantedPaths(paths))
    this.#tell(await runPathScript(commands, script), paths)
  }

  #tell(failed: { line: string; error: string }[], paths: readonly Path[]): void {
    for (const { line, error } of failed.filter(f => !this.#failing.has(f.line)))
      this.#options.log.warn(
        { line, error, paths: paths.length },
        "no route to another node's pods; are the nodes on one LAN?",
      )
    this.#failing = new Set(failed.map(f => f.line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#unsubscribe()
    await this.#running
  }
}

const signOf = (node: Node): string => JSON.stringify([podCidrsOf(node), addressesOf(node)])
