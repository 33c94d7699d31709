import { parseRequest, verbOf } from '../apiserver/index.ts'
import { followAbort } from '../base/abort.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { ApiError, type Reason } from '../models/api-error.ts'
import type { ApiHandler, ApiReply, ApiRequest } from '../models/rest.ts'

/** Which requests; what is not given may be anything. */
export interface FaultMatch {
  verb?: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'
  /** `pods`, or `pods/status` for a subresource. `pods` is without its subresources. */
  resource?: string
  /** API group: `apps`; '' for the core one. */
  group?: string
  namespace?: string
  name?: string
}

/** What happens to them instead, or before. */
export interface Fault extends FaultMatch {
  /** The answer, by Kubernetes' own reason: `Conflict`, `Expired`, `InternalError`, `TooManyRequests` … Nothing is done then. */
  fail?: Reason
  /** Message of that answer. */
  message?: string
  /** The answer comes so many milliseconds later, by the control plane's clock. */
  delayMs?: number
  /** Ends after so many requests; unless given, when it is disposed of. */
  times?: number
}

type Verb = NonNullable<FaultMatch['verb']>

/** Makes an API misbehave, for the tests of whoever must live with that. */
export class Faults {
  readonly #clock: Clock
  readonly #active = new Set<{ fault: Fault; left: number }>()
  readonly #watches = new Set<{ asked: FaultMatch; cut: AbortController }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * From now on requests that match fail or are slow. Of several, the one added first acts.
   * @returns ends it
   * @example
   * cluster.faults.add({ verb: 'update', resource: 'deployments', fail: 'Conflict', times: 2 })
   */
  add(fault: Fault): Disposable {
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.#active.add(entry)
    return { [Symbol.dispose]: () => void this.#active.delete(entry) }
  }

  /** Ends watches that run now, as a restarting server or a proxy would. @returns how many */
  cutWatches(match: FaultMatch = {}): number {
    let count = 0
    for (const { asked, cut } of [...this.#watches])
      if (matches(match, asked)) {
        count++
        cut.abort(new DOMException('the watch was cut by a test', 'AbortError'))
      }
    return count
  }

  /** Ends watches that run now, and answers the next `times` of them with 410 Expired: clients have to list anew. */
  expireWatches(match: FaultMatch = {}, times = 1): number {
    this.add({ ...match, verb: 'watch', fail: 'Expired', message: 'too old resource version', times })
    return this.cutWatches(match)
  }

  /** No more faults; watches go on. */
  clear(): void {
    this.#active.clear()
  }

  /** The same API, with these faults. */
  around(handler: ApiHandler): ApiHandler {
    return async request => {
      const asked = askedBy(request)
      const fault = asked && this.#take(asked)
      if (fault?.delayMs) await sleep(this.#clock, fault.delayMs, request.signal).catch(() => {})
      if (fault?.fail) return refusal(fault.fail, fault.message ?? `a test wants this request to fail: ${fault.fail}`)
      return asked?.verb === 'watch' ? this.#watch(handler, request, asked) : handler(request)
    }
  }

  #take(asked: FaultMatch): Fault | undefined {
    for (const entry of this.#active)
      if (matches(entry.fault, asked)) {
        if (--entry.left <= 0) this.#active.delete(entry)
        return entry.fault
      }
    return undefined
  }

  async #watch(handler: ApiHandler, request: ApiRequest, asked: FaultMatch): Promise<ApiReply> {
    const entry = { asked, cut: new AbortController() }
    const { signal } = entry.cut
    const unfollow = followAbort(entry.cut, request.signal)
    this.#watches.add(entry)
    const end = () => {
      unfollow()
      this.#watches.delete(entry)
    }
    signal.addEventListener('abort', end, { once: true })
    const reply = await handler({ ...request, signal })
    if (reply.status !== 200) end()
    return reply
  }
}

function askedBy(request: ApiRequest): FaultMatch | undefined {
  const info = parseRequest(request.url)
  const path = info.resource
  if (!path) return undefined
  const verb = verbOf(request, info)
  return {
    ...(verb ? { verb: verb as Verb } : {}),
    resource: path.subresource ? `${path.plural}/${path.subresource}` : path.plural,
    group: path.group,
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    ...(path.name === undefined ? {} : { name: path.name }),
  }
}

const parts = ['verb', 'resource', 'group', 'namespace', 'name'] as const

function matches(wanted: FaultMatch, asked: FaultMatch): boolean {
  return parts.every(part => wanted[part] === undefined || wanted[part] === asked[part])
}

function refusal(reason: Reason, message: string): ApiReply {
  const status = new ApiError(reason, message).toStatus()
  const headers = {
    'content-type': 'application/json',
    ...(reason === 'TooManyRequests' ? { 'retry-after': '1' } : {}),
  }
  return { status: status.code ?? 500, headers, body: Buffer.from(JSON.stringify(status)) }
}
