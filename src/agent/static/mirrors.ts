import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Client } from '../../client/index.ts'
import { isConflict, isNotFound } from '../../models/api-error.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import type { Draft } from '../../models/object.ts'
import type { Node, PodStatus } from '../../models/types/core-v1.ts'
import { annotations } from './annotations.ts'

export interface MirrorsOptions {
  client: Client
  clock: Clock
  log: Logger
  /** Undefined until it is registered. */
  node(): Node | undefined
  /** Writes the status of a pod in the API. */
  write(mirror: Pod, status: PodStatus): void
}

interface Entry {
  /** What the node runs. */
  own: Pod | undefined
  status: PodStatus | undefined
  /** What the API has. */
  mirror: Pod | undefined
  busy: boolean
  /** Its file is gone, and its containers are not yet: it is shown as long as it is there, and not anew. */
  isEnding: boolean
}

/** The node is not registered yet. */
const soonMs = 2_000
/** The API refused, or somebody else has a pod of this name. */
const retryMs = 10_000

export const isMirror = (pod: Pod) => pod.metadata.annotations?.[annotations.mirror] !== undefined

/**
 * Records in the API of pods that the node runs by itself, so that people see them there. They show, they do not rule:
 * whoever deletes one sees it come back; only the file on the node ends the pod.
 */
export class Mirrors {
  readonly #options: MirrorsOptions
  /** By namespace/name. */
  readonly #entries = new Map<string, Entry>()
  #complete = false
  #stopped = false

  constructor(options: MirrorsOptions) {
    this.#options = options
  }

  /** Records that the API has of pods that the node runs. */
  get count(): number {
    return [...this.#entries.values()].filter(({ own, mirror }) => own && mirror).length
  }

  stop(): void {
    this.#stopped = true
  }

  /** All records that the API has were seen. */
  complete(): void {
    this.#complete = true
    for (const name of this.#entries.keys()) this.#settle(name)
  }

  add(own: Pod): void {
    const entry = this.#entry(own)
    entry.own = own
    entry.status = undefined
    entry.isEnding = false
    this.#settle(nameOf(own))
  }

  /** Its containers are being ended. */
  end(own: Pod): void {
    const entry = this.#entries.get(nameOf(own))
    if (entry?.own?.metadata.uid === own.metadata.uid) entry!.isEnding = true
  }

  /** Nothing of it is left. */
  remove(own: Pod): void {
    const entry = this.#entries.get(nameOf(own))
    if (entry?.own?.metadata.uid !== own.metadata.uid) return
    entry.own = undefined
    this.#settle(nameOf(own))
  }

  seen(mirror: Pod): void {
    this.#entry(mirror).mirror = mirror
    this.#settle(nameOf(mirror))
  }

  gone(mirror: Pod): void {
    const entry = this.#entry(mirror)
    if (entry.mirror?.metadata.uid === mirror.metadata.uid) entry.mirror = undefined
    this.#settle(nameOf(mirror))
  }

  /** Takes the status of a pod that is the node's own. @returns false: it is one of the API's */
  report(pod: Pod, status: PodStatus): boolean {
    if (pod.metadata.annotations?.[annotations.source] !== 'file') return false
    const entry = this.#entries.get(nameOf(pod))
    if (entry?.own?.metadata.uid !== pod.metadata.uid) return true
    entry.status = status
    this.#tell(entry)
    return true
  }

  #tell({ mirror, own, status }: Entry): void {
    if (mirror && own && status && isOf(mirror, own)) this.#options.write(mirror, status)
  }

  #entry(pod: Pod): Entry {
    const name = nameOf(pod)
    let entry = this.#entries.get(name)
    if (!entry)
      this.#entries.set(
        name,
        (entry = { own: undefined, status: undefined, mirror: undefined, busy: false, isEnding: false }),
      )
    return entry
  }

  /** One step towards a record that is right; called again when the step shows. */
  #settle(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry || entry.busy || !this.#complete || this.#stopped) return
    const { own, mirror } = entry
    const wrong = mirror && (!own || !isOf(mirror, own))
    if (!own && !mirror) this.#entries.delete(name)
    if (!wrong && (mirror || !own || entry.isEnding)) {
      this.#tell(entry)
      return
    }
    entry.busy = true
    const step = wrong ? this.#delete(entry) : this.#create(entry)
    step
      .catch(error => {
        this.#options.log.warn({ pod: name, error: explain(error) }, 'record of a static pod not written')
        return retryMs
      })
      .then(waitMs => {
        entry.busy = false
        if (waitMs === 0) this.#settle(name)
        else this.#options.clock.schedule(waitMs, () => this.#settle(name))
      })
  }

  async #create(entry: Entry): Promise<number> {
    const node = this.#options.node()
    if (!node) return soonMs
    const mirror = await this.#options.client.create<Pod>(Pod, mirrorOf(entry.own!, node))
    entry.mirror ??= mirror
    return 0
  }

  async #delete(entry: Entry): Promise<number> {
    const { namespace, name, uid } = entry.mirror!.metadata
    await this.#options.client
      .delete(Pod, { namespace: namespace!, name }, { gracePeriodSeconds: 0, uid: uid! })
      .catch(error => {
        if (!isNotFound(error) && !isConflict(error)) throw error
      })
    if (entry.mirror?.metadata.uid === uid) entry.mirror = undefined
    return 0
  }
}

const nameOf = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`

/** One that somebody is deleting is as good as gone. */
const isOf = (mirror: Pod, own: Pod) =>
  mirror.metadata.annotations?.[annotations.mirror] === own.metadata.uid && !mirror.metadata.deletionTimestamp

function mirrorOf(own: Pod, node: Node): Draft<Pod> {
  const { namespace, name, labels, annotations: told, uid } = own.metadata
  return {
    metadata: {
      namespace: namespace!,
      name,
      ...(labels ? { labels } : {}),
      annotations: { ...told, [annotations.mirror]: uid! },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid!, controller: true },
      ],
    },
    spec: own.spec,
  }
}
