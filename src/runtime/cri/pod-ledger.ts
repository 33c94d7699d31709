import type { ObservedPod } from '../runtime.ts'

/** A pod with one thing more. */
export type Addition = (pod: ObservedPod) => ObservedPod

/**
 * What pods have, known without a list: each was listed, or made by us, and what came since we started ourselves and
 * looked at by itself. It holds only while events tell of every end. Whatever else may have changed a pod puts it in
 * doubt, until it is listed again.
 */
export class PodLedger {
  readonly #pods = new Map<string, Promise<ObservedPod | undefined>>()
  /** Lists that are on their way and will still be right when they come, by pod. */
  readonly #listings = new Map<string, symbol>()
  #trusted = false

  /** Whether events tell of every end. */
  set trusted(is: boolean) {
    if (!is) this.doubt()
    this.#trusted = is
  }

  /** @returns undefined: it must be listed */
  async find(uid: string): Promise<ObservedPod | undefined> {
    for (;;) {
      const known = this.#pods.get(uid)
      const pod = await known
      // What came, or was put in doubt, while we waited.
      if (this.#pods.get(uid) !== known) continue
      if (!pod) this.#pods.delete(uid)
      return pod
    }
  }

  /** A pod is about to be listed. @returns takes what the list said, unless the pod has changed since */
  listing(uid: string): (pod: ObservedPod | undefined) => void {
    const turn = Symbol(uid)
    this.#listings.set(uid, turn)
    return pod => {
      if (this.#listings.get(uid) !== turn) return
      this.#listings.delete(uid)
      if (pod && this.#trusted) this.#pods.set(uid, Promise.resolve(pod))
    }
  }

  /** The first thing of a pod of which there was nothing. @param first resolves with undefined if it cannot be said */
  begin(uid: string, first: Promise<ObservedPod | undefined>): void {
    this.#listings.delete(uid)
    if (this.#trusted) this.#pods.set(uid, first)
  }

  /** We started something of a pod. @param look resolves with undefined if it cannot be said what */
  add(uid: string, look: Promise<Addition | undefined>): void {
    // A list on its way may or may not show it.
    this.#listings.delete(uid)
    const before = this.#pods.get(uid)
    if (!before) return
    const after = Promise.all([before, look]).then(([pod, addition]) => pod && addition?.(pod))
    this.#pods.set(uid, after)
  }

  /** Something else may have changed one pod, or any. */
  doubt(uid?: string): void {
    for (const known of [this.#pods, this.#listings]) {
      if (uid === undefined) known.clear()
      else known.delete(uid)
    }
  }
}
