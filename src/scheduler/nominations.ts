import type { PodInfo } from './pod-class.ts'

/** Who was promised room where nobody was. */
export const nobody: readonly PodInfo[] = []

/** Pods that were promised room on a node, where victims are still making it. */
export class Nominations {
  readonly #nodeOf = new Map<string, string>()
  readonly #onNode = new Map<string, Map<string, PodInfo>>()

  readonly on = (nodeName: string): Iterable<PodInfo> => this.#onNode.get(nodeName)?.values() ?? nobody

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid)
  }

  set(info: PodInfo, nodeName: string | undefined): void {
    this.delete(info.uid)
    if (!nodeName) return
    this.#nodeOf.set(info.uid, nodeName)
    const pods = this.#onNode.get(nodeName) ?? new Map()
    this.#onNode.set(nodeName, pods.set(info.uid, info))
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid)
    if (nodeName === undefined) return
    this.#nodeOf.delete(uid)
    const pods = this.#onNode.get(nodeName)!
    pods.delete(uid)
    if (!pods.size) this.#onNode.delete(nodeName)
  }
}
