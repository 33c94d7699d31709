import type { InformerSet } from '../client/index.ts'
import { Namespace, Node, Pod } from '../models/kinds/index.ts'
import type { KubeObject } from '../models/object.ts'
import type { ClusterEvent } from './cluster-event.ts'
import { kindOf, type TableName } from './cluster-objects.ts'
import type { ClusterState } from './cluster-state.ts'
import type { ObjectTable } from './object-table.ts'
import type { PodInfo } from './pod-class.ts'

export interface FeedListener {
  /** A pod without a node, ours by its schedulerName. */
  pending(pod: Pod): void
  /** It has a node, has ended, is on its way out, or is gone: nothing to decide any more. */
  settled(uid: string): void
  /** It has ended, or is no more. */
  gone(uid: string): void
  /** The state has taken this in. */
  event(event: ClusterEvent): void
}

const tableNames = Object.keys(kindOf) as TableName[]

interface Placed {
  info: PodInfo
  node: string
  /** Promised by us, not seen from the API yet. */
  assumed: boolean
}

/** Keeps the state as the informers say, and as we have promised where they do not know yet. */
export class ClusterFeed {
  readonly #state: ClusterState
  readonly #listener: FeedListener
  readonly #placed = new Map<string, Placed>()

  constructor(state: ClusterState, listener: FeedListener) {
    this.#state = state
    this.#listener = listener
  }

  /** @returns functions that end the subscriptions */
  subscribe(informers: InformerSet, isOurs: (pod: Pod) => boolean): (() => void)[] {
    const onPod = (pod: Pod) => this.#pod(pod, isOurs)
    const onNode = (node: Node) => this.#node(node)
    const onNamespace = (n: Namespace) => this.#namespace(n.metadata.name, n.metadata.labels ?? {})
    return [
      informers.for(Node).subscribe({ added: onNode, updated: onNode, deleted: node => this.#nodeGone(node) }),
      informers.for(Namespace).subscribe({
        added: onNamespace,
        updated: onNamespace,
        deleted: n => this.#namespace(n.metadata.name, undefined),
      }),
      ...tableNames.map(table => this.#subscribeTable(informers, table)),
      informers.for(Pod).subscribe({ added: onPod, updated: onPod, deleted: pod => this.#podGone(pod) }),
    ]
  }

  #subscribeTable(informers: InformerSet, table: TableName): () => void {
    const objects: ObjectTable<any> = this.#state.objects[table]
    const seen = (object: KubeObject) => {
      const old = objects.set(object)
      this.#listener.event({ type: 'object-changed', table, object, ...(old ? { old } : {}) })
    }
    const deleted = (object: KubeObject) => {
      objects.delete(object)
      this.#listener.event({ type: 'object-changed', table, object, old: object })
    }
    return informers.for<KubeObject>(kindOf[table]).subscribe({ added: seen, updated: seen, deleted })
  }

  /**
   * The pod is taken to be on the node until the informer says so, or `forget`. Consumes the info.
   * @param counted the state has it there already
   */
  assume(info: PodInfo, node: string, counted = false): void {
    this.#placed.set(info.uid, { info, node, assumed: true })
    if (!counted) this.#state.addPod(info, node)
    this.#listener.event({ type: 'pod-placed', pod: info })
  }

  /** @returns false if the informers know it to be on that node after all, or gone */
  forget(info: PodInfo): boolean {
    const placed = this.#placed.get(info.uid)
    if (!placed?.assumed || placed.info !== info) return false
    this.#remove(placed)
    return true
  }

  #node(node: Node): void {
    const changed = this.#state.setNode(node)
    if (!changed) this.#listener.event({ type: 'node-added', node })
    else if (changed.size) this.#listener.event({ type: 'node-updated', node, changed })
  }

  #nodeGone(node: Node): void {
    this.#state.removeNode(node.metadata.name)
    this.#listener.event({ type: 'node-removed', node })
  }

  #namespace(name: string, labels: Record<string, string> | undefined): void {
    const { epoch } = this.#state
    this.#state.setNamespace(name, labels)
    if (this.#state.epoch !== epoch) this.#listener.event({ type: 'namespace-changed' })
  }

  #pod(pod: Pod, isOurs: (pod: Pod) => boolean): void {
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (ended) this.#podGone(pod)
    else if (pod.spec.nodeName) {
      this.#listener.settled(pod.metadata.uid)
      this.#place(pod, pod.spec.nodeName)
    } else if (this.#placed.has(pod.metadata.uid)) {
      // Assumed, and this is news from before its binding.
    } else if (pod.metadata.deletionTimestamp || !isOurs(pod)) this.#listener.settled(pod.metadata.uid)
    else this.#listener.pending(pod)
  }

  #place(pod: Pod, node: string): void {
    const { uid } = pod.metadata
    const known = this.#placed.get(uid)
    const info = this.#state.classes.admit(pod)
    if (!known) {
      this.#state.see(info)
      this.#placed.set(uid, { info, node, assumed: false })
      this.#state.addPod(info, node)
      this.#listener.event({ type: 'pod-placed', pod: info })
      return
    }
    if (known.node === node && known.info.class === info.class) {
      // Only its status changed. The state holds the info itself.
      this.#state.classes.release(info)
      const started = known.info.pod.status?.startTime !== pod.status?.startTime
      known.info.pod = pod
      // Who started last is the first to go for a more important one.
      if (started) this.#state.touch(node)
      known.assumed = false
      return
    }
    this.#state.removePod(known.info, known.node)
    this.#state.classes.release(known.info)
    this.#placed.set(uid, { info, node, assumed: false })
    this.#state.addPod(info, node)
    this.#listener.event({ type: 'pod-updated', pod: info, old: known.info })
  }

  #podGone(pod: Pod): void {
    this.#listener.settled(pod.metadata.uid)
    this.#listener.gone(pod.metadata.uid)
    const placed = this.#placed.get(pod.metadata.uid)
    if (placed) this.#remove(placed)
  }

  #remove({ info, node }: Placed): void {
    this.#placed.delete(info.uid)
    this.#state.removePod(info, node)
    this.#listener.event({ type: 'pod-removed', pod: info, node })
    this.#state.classes.release(info)
  }
}
