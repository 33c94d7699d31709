import type { Client } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import { Pod, PodReportGroup } from '../models/kinds/index.ts'
import type { PodReport } from '../models/types/optiflow-v1.ts'
import { GroupedRequests } from './grouped-requests.ts'
import { Limiter } from './limiter.ts'
import type { PodInfo } from './pod-class.ts'

/** Requests under way at once where the server has no groups. */
const aloneAtOnce = 64

/** Writes what is said of pods, and ends them: one that is alone by requests of its own, several as a PodReportGroup. */
export class GroupReports {
  readonly #client: Client
  readonly #requests: GroupedRequests<PodReport>
  readonly #limiter = new Limiter(aloneAtOnce)

  constructor(client: Client) {
    this.#client = client
    this.#requests = new GroupedRequests({
      together: pods => this.#together(pods),
      alone: pod => this.#limiter.run(() => this.#alone(pod)),
    })
  }

  /** Reports that are under way or wait. */
  get size(): number {
    return this.#requests.size
  }

  /** @throws ApiError what this one report was refused for */
  write({ key, uid }: PodInfo, said: Pick<PodReport, 'condition' | 'nominatedNodeName' | 'delete'>): Promise<void> {
    return this.#requests.ask({ namespace: key.namespace!, name: key.name, uid, ...said })
  }

  async #together(pods: readonly PodReport[]): Promise<Map<number, ApiError>> {
    const { status } = await this.#client.create(PodReportGroup, { metadata: {}, spec: { pods } } as never)
    return new Map((status?.refused ?? []).map(({ index, status: why }) => [index!, ApiError.fromStatus(why!)]))
  }

  async #alone(said: PodReport): Promise<void> {
    const { namespace, name, uid, condition, nominatedNodeName } = said
    const key = { namespace: namespace!, name: name! }
    const nominated = nominatedNodeName === undefined ? {} : { nominatedNodeName: nominatedNodeName || null }
    const body = { metadata: { uid }, status: { conditions: [condition], ...nominated } }
    await this.#client.patch(Pod, key, { type: 'strategic', body }, { subresource: 'status' })
    if (said.delete) await this.#client.delete(Pod, key, { uid: uid! })
  }
}
