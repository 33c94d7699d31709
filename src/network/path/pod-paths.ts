import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Logger } from '../../base/logger.ts'
import { Upkeep } from '../../base/upkeep.ts'
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

/**
 * Keeps the kernel's ways to other nodes' pods: routes, and the tunnel with who is behind it. What somebody takes away
 * comes back. Disposing leaves all in place.
 */
export class PodPaths implements AsyncDisposable {
  readonly #options: PodPathsOptions
  readonly #unsubscribe: () => void
  readonly #upkeep: Upkeep
  /** There may be a tunnel and entries of it in the kernel, of ours or of a node before us. */
  #mayHaveTunnel = true
  /** The kernel was seen with nothing of ours in it: while nothing is to be there, nothing is to be looked for. */
  #clean = false
  /** Lines that failed, so that one that goes on failing is told of once. */
  #failing = new Set<string>()

  constructor(options: PodPathsOptions) {
    this.#options = options
    const whenFailed = 'routes to other nodes not written, will try again'
    this.#upkeep = new Upkeep({ ...options, work: () => this.#sync(), whenFailed })
    const { changed } = this.#upkeep
    // A node's heartbeats change nothing here.
    const updated = (node: Node, old: Node) => {
      if (signOf(node) !== signOf(old)) changed()
    }
    this.#unsubscribe = options.nodes.subscribe({ added: changed, updated, deleted: changed })
  }

  /** Resolves when the kernel was told what is known now. */
  now(): Promise<void> {
    return this.#upkeep.now()
  }

  async #sync(): Promise<void> {
    const { nodes, commands, encapsulation, nodeName, nodeIp, podCidrs, log } = this.#options
    if (!nodes.synced) return
    const all = nodes.list()
    // A node alone has nobody to reach.
    const alone = all.every(node => node.metadata.name === nodeName)
    if (alone && this.#clean) return
    this.#clean = false
    const uplink = alone ? undefined : await findUplink(commands, nodeIp)
    const paths = planPaths({ nodes: all, nodeName, uplink, encapsulation })
    const wanted = encapsulation !== 'none' && uplink && paths.length > 0
    if (wanted) {
      if (await ensureTunnel(commands, uplink, podCidrs))
        log.info({ through: uplink.name }, 'tunnel to other nodes made')
    } else if (this.#mayHaveTunnel) await removeTunnel(commands)
    this.#mayHaveTunnel = Boolean(wanted)
    const actual = await readPaths(commands, { tunnel: this.#mayHaveTunnel })
    const script = pathScript(actual, wantedPaths(paths))
    const failed = await runPathScript(commands, script)
    this.#tell(failed, paths)
    this.#clean = !paths.length && !failed.length
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
    this.#unsubscribe()
    await this.#upkeep[Symbol.asyncDispose]()
  }
}

const signOf = (node: Node): string => JSON.stringify([podCidrsOf(node), addressesOf(node)])
