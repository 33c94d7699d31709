import type { Client } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import { BindingGroup, Pod } from '../models/kinds/index.ts'
import type { BindingGroupPod } from '../models/types/optiflow-v1.ts'
import { GroupedRequests } from './grouped-requests.ts'
import type { PodInfo } from './pod-class.ts'

/** Binds pods: one that is alone by its own binding, several as a BindingGroup. */
export class GroupBindings {
  readonly #client: Client
  readonly #requests: GroupedRequests<BindingGroupPod>

  constructor(client: Client) {
    this.#client = client
    this.#requests = new GroupedRequests({
      together: pods => this.#together(pods),
      alone: pod => this.#alone(pod),
    })
  }

  /** Bindings that are under way or wait. */
  get size(): number {
    return this.#requests.size
  }

  /** @param annotations written to the pod in the same step. @throws ApiError what this one binding was refused for */
  bind({ key, uid }: PodInfo, node: string, annotations: Record<string, string>): Promise<void> {
    const { namespace, name } = key
    const pod: BindingGroupPod = { namespace: namespace!, name, uid, node }
    if (Object.keys(annotations).length) pod.annotations = annotations
    return this.#requests.ask(pod)
  }

  async #together(pods: readonly BindingGroupPod[]): Promise<Map<number, ApiError>> {
    const { status } = await this.#client.create(BindingGroup, { metadata: {}, spec: { pods } } as never)
    return new Map((status?.refused ?? []).map(({ index, status: why }) => [index!, ApiError.fromStatus(why!)]))
  }

  #alone({ namespace, name, uid, node, annotations }: BindingGroupPod): Promise<unknown> {
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid, ...(annotations ? { annotations } : {}) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    return this.#client.post(Pod, { namespace: namespace!, name: name! }, 'binding', body)
  }
}
