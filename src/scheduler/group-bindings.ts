import type { Client } from '../client/index.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import { BindingGroup, Pod } from '../models/kinds/index.ts'
import type { BindingGroupPod } from '../models/types/optiflow-v1.ts'
import type { PodInfo } from './pod-class.ts'

/** Requests under way at once. While they are, what comes gathers: the busier, the larger the groups. */
const requestsAtOnce = 4
const largestGroup = 256

interface Waiting {
  pod: BindingGroupPod
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Binds pods by as few requests as the API lets us: one that is alone by its own binding, several as a BindingGroup, in
 * which each stands for itself. A server that has no groups gets them one at a time.
 */
export class GroupBindings {
  readonly #client: Client
  #waiting: Waiting[] = []
  #requests = 0
  #flushing = false
  #grouped = true
  #size = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Bindings that are under way or wait. */
  get size(): number {
    return this.#size
  }

  /** @param annotations written to the pod in the same step. @throws ApiError what this one binding was refused for */
  async bind({ key, uid }: PodInfo, node: string, annotations: Record<string, string>): Promise<void> {
    const { namespace, name } = key
    const pod: BindingGroupPod = { namespace: namespace!, name, uid, node }
    if (Object.keys(annotations).length) pod.annotations = annotations
    this.#size++
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push({ pod, resolve, reject })
        this.#flushSoon()
      })
    } finally {
      this.#size--
    }
  }

  /** Not at once: whatever else is decided in this turn goes along. */
  #flushSoon(): void {
    if (this.#flushing || this.#requests >= requestsAtOnce) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      while (this.#waiting.length && this.#requests < requestsAtOnce)
        void this.#send(this.#waiting.splice(0, largestGroup))
    })
  }

  async #send(group: Waiting[]): Promise<void> {
    this.#requests++
    try {
      if (group.length > 1 && this.#grouped) await this.#together(group)
      else await Promise.all(group.map(one => this.#alone(one)))
    } finally {
      this.#requests--
      if (this.#waiting.length) this.#flushSoon()
    }
  }

  async #together(group: Waiting[]): Promise<void> {
    const refused = new Map<number, ApiError>()
    try {
      const pods = group.map(g => g.pod)
      const { status } = await this.#client.create(BindingGroup, { metadata: {}, spec: { pods } } as never)
      for (const { index, status: why } of status?.refused ?? []) refused.set(index!, ApiError.fromStatus(why!))
    } catch (error) {
      if (!isNotFound(error)) {
        for (const { reject } of group) reject(error)
        return
      }
      this.#grouped = false
      await Promise.all(group.map(one => this.#alone(one)))
      return
    }
    for (const [i, { resolve, reject }] of group.entries()) {
      const error = refused.get(i)
      if (error) reject(error)
      else resolve()
    }
  }

  async #alone({ pod, resolve, reject }: Waiting): Promise<void> {
    const { namespace, name, uid, node, annotations } = pod
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid, ...(annotations ? { annotations } : {}) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    try {
      await this.#client.post(Pod, { namespace: namespace!, name: name! }, 'binding', body)
      resolve()
    } catch (error) {
      reject(error)
    }
  }
}
