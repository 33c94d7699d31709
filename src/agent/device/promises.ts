import type { Pod } from '../../models/types/core-v1.ts'

/** Devices that a pod was promised when it was taken: its container is given them when it starts. */
export interface DevicePromise {
  podUid: string
  container: string
  resource: string
  ids: string[]
  milliEach: number
}

/** Kept while the agent runs: what a container was given is in the records. */
export class DevicePromises {
  #all: DevicePromise[] = []

  get all(): readonly DevicePromise[] {
    return this.#all
  }

  of(pod: Pod, container: string, resource: string): DevicePromise | undefined {
    return this.#all.find(p => p.podUid === pod.metadata.uid && p.container === container && p.resource === resource)
  }

  add(promise: DevicePromise): void {
    this.#all.push(promise)
  }

  /** It was kept. */
  keep(promise: DevicePromise): void {
    this.#all = this.#all.filter(other => other !== promise)
  }

  release(podUid: string): void {
    this.#all = this.#all.filter(promise => promise.podUid !== podUid)
  }
}
