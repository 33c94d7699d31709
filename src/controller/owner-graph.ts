import { isOfKind } from '../client/owner.ts'
import type { Kind } from '../models/kind.ts'
import type { KubeObject, ObjectKey } from '../models/object.ts'
import { keyOf } from '../models/object.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

/** One object of which the collector knows owners and state. */
export interface GraphNode {
  uid: string
  kind: Kind<any>
  key: ObjectKey
  owners: readonly OwnerReference[]
  /** It has a deletion timestamp. */
  beingDeleted: boolean
  /** It waits for its dependents to go first. */
  deletingDependents: boolean
  /** Its dependents are to be let go. */
  orphaning: boolean
}

export interface GraphEvents {
  /** This object may have to go, or may be able to finish going. */
  suspect(uid: string): void
  /** This object's dependents are to be let go. */
  orphan(uid: string): void
}

/** Who owns whom, by uid, over all kinds. Says who should be looked at when something changes; decides nothing. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #dependents = new Map<string, Set<string>>()
  readonly #events: GraphEvents

  constructor(events: GraphEvents) {
    this.#events = events
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  get size(): number {
    return this.#nodes.size
  }

  dependents(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].map(d => this.#nodes.get(d)!)
  }

  /** Dependents that the owner's deletion in the foreground has to wait for. */
  blocking(uid: string): GraphNode[] {
    return this.dependents(uid).filter(d => d.owners.some(o => o.uid === uid && o.blockOwnerDeletion))
  }

  put(kind: Kind<any>, object: KubeObject): void {
    const { uid, ownerReferences: owners = [], deletionTimestamp, finalizers = [] } = object.metadata
    const before = this.#nodes.get(uid)
    const beingDeleted = !!deletionTimestamp
    const node: GraphNode = {
      uid,
      kind,
      key: keyOf(object),
      owners,
      beingDeleted,
      deletingDependents: beingDeleted && finalizers.includes(foregroundFinalizer),
      orphaning: beingDeleted && finalizers.includes(orphanFinalizer),
    }
    this.#nodes.set(uid, node)
    this.#relink(uid, before?.owners ?? [], owners)
    if (!before && !this.ownersAreSolid(node)) this.#events.suspect(uid)
    if (before) this.#ownersChanged(node, before)
    if (node.deletingDependents && !before?.deletingDependents) {
      for (const d of this.dependents(uid)) this.#events.suspect(d.uid)
      this.#events.suspect(uid)
    }
    if (node.orphaning && !before?.orphaning) this.#events.orphan(uid)
  }

  remove(uid: string): void {
    const node = this.#nodes.get(uid)
    if (!node) return
    this.#nodes.delete(uid)
    this.#relink(uid, node.owners, [])
    for (const d of this.dependents(uid)) this.#events.suspect(d.uid)
    this.#wakeWaiting(node.owners)
  }

  /** All objects, to be looked at once more (new kinds are served). */
  *nodes(): Iterable<GraphNode> {
    yield* this.#nodes.values()
  }

  /** Whether every owner is here, alive, and the object that the reference names. Then nobody needs to be asked. */
  ownersAreSolid(node: GraphNode): boolean {
    return node.owners.every(ref => {
      const owner = this.#nodes.get(ref.uid)
      return (
        owner !== undefined &&
        !owner.deletingDependents &&
        isOfKind(ref, owner.kind) &&
        owner.key.name === ref.name &&
        (owner.key.namespace === undefined || owner.key.namespace === node.key.namespace)
      )
    })
  }

  #ownersChanged(node: GraphNode, before: GraphNode): void {
    const now = new Map(node.owners.map(o => [o.uid, o]))
    const gone = before.owners.filter(o => !now.has(o.uid))
    const unblocked = before.owners.filter(
      o => o.blockOwnerDeletion && now.has(o.uid) && !now.get(o.uid)!.blockOwnerDeletion,
    )
    const added = node.owners.filter(o => !before.owners.some(b => b.uid === o.uid))
    if (gone.length || unblocked.length) this.#wakeWaiting([...gone, ...unblocked])
    if (added.length && !this.ownersAreSolid(node)) this.#events.suspect(node.uid)
  }

  #wakeWaiting(owners: readonly OwnerReference[]): void {
    for (const { uid } of owners) if (this.#nodes.get(uid)?.deletingDependents) this.#events.suspect(uid)
  }

  #relink(uid: string, before: readonly OwnerReference[], after: readonly OwnerReference[]): void {
    for (const { uid: owner } of before) {
      const set = this.#dependents.get(owner)
      set?.delete(uid)
      if (set && !set.size) this.#dependents.delete(owner)
    }
    for (const { uid: owner } of after) {
      const set = this.#dependents.get(owner)
      if (set) set.add(uid)
      else this.#dependents.set(owner, new Set([uid]))
    }
  }
}

export function versionOf(ref: { apiVersion: string }): string {
  return ref.apiVersion.split('/').at(-1)!
}
