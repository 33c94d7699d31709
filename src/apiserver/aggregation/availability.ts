import { Counter, Gauge, type Registry } from 'prom-client'
import { type Cancel, timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { ApiError, isNotFound } from '../../models/api-error.ts'
import { parseJson } from '../../models/json.ts'
import { APIService, availableCondition, localCondition } from '../../models/kinds/apiregistration/api-service.ts'
import { EndpointSlice, Endpoints, Service } from '../../models/kinds/index.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import type { Core } from '../core.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { CallFailed } from '../outgoing/call-failed.ts'
import { system } from '../own-user.ts'
import type { KeptEvent } from '../watch-cache/kept-event.ts'
import { readResourceList } from './api-resource.ts'
import type { RemoteCalls } from './remote-calls.ts'
import type { RemoteVersion } from './remote-versions.ts'
import { type Condition, failedDiscovery, missingService, passed } from './service-check.ts'

/** A version that answers is asked again after so long, and told anew what it serves. */
const lookAgainMs = 30_000
const firstRetryMs = 250
/** Each time another endpoint may be the one that is asked. */
const attempts = 3

interface Checking {
  running: boolean
  /** Something changed while it was checked. */
  again: boolean
  failures: number
  cancel: Cancel | undefined
}

export interface AvailabilityParts {
  core: Core
  calls: RemoteCalls
  registry: Registry
  /** A server has answered: its other documents may be had too. */
  answered(remote: RemoteVersion): Promise<void>
}

/** Checks whether the servers of APIServices can be asked, says so in their status, and learns what they serve. */
export class Availability {
  readonly #parts: AvailabilityParts
  readonly #checking = new Map<string, Checking>()
  readonly #turnedAway: Counter

  constructor(parts: AvailabilityParts) {
    this.#parts = parts
    const registers = [parts.registry]
    this.#turnedAway = new Counter({
      name: 'aggregator_unavailable_apiservice_total',
      help: 'How often an APIService became unavailable, by its name and the reason.',
      labelNames: ['name', 'reason'],
      registers,
    })
    const unavailable = () => this.#all().map(s => [s.metadata.name, isAvailable(s) ? 0 : 1] as const)
    new Gauge({
      name: 'aggregator_unavailable_apiservice',
      help: '1 for an APIService that is not available, by its name.',
      labelNames: ['name'],
      registers,
      collect() {
        this.reset()
        for (const [name, value] of unavailable()) this.set({ name }, value)
      },
    })
  }

  start(): void {
    const { cache, resources } = this.#parts.core
    const services = cache.bucket(resources.of(APIService))
    services.listeners.add({ changed: event => this.#serviceChanged(event) })
    for (const kept of services.list()) this.look(kept.name)
    const around = (serviceOf: (event: KeptEvent) => string) => ({
      changed: (event: KeptEvent) => this.#lookAround(event.namespace, serviceOf(event)),
    })
    cache.bucket(resources.of(Service)).listeners.add(around(event => event.name))
    cache.bucket(resources.of(Endpoints)).listeners.add(around(event => event.name))
    const slices = resources.of(EndpointSlice)
    const label = (event: KeptEvent) =>
      (event.object ?? event.previous)?.facts(slices.stored).labels?.[serviceNameLabel] ?? ''
    cache.bucket(slices).listeners.add(around(label))
  }

  /** Checks it as soon as what is published now is all there. */
  look(name: string): void {
    let checking = this.#checking.get(name)
    if (!checking)
      this.#checking.set(name, (checking = { running: false, again: false, failures: 0, cancel: undefined }))
    checking.again = true
    if (!checking.running) void this.#work(name, checking)
  }

  #all(): APIService[] {
    const { cache, resources, shared } = this.#parts.core
    return cache
      .bucket(resources.of(APIService))
      .list()
      .map(kept => shared(kept) as unknown as APIService)
  }

  /** Its status is our own word: only what it asks for is looked at. */
  #serviceChanged({ name, object, previous }: KeptEvent): void {
    const { shared } = this.#parts.core
    const specOf = (kept: typeof object) => kept && JSON.stringify(shared(kept)['spec'])
    const said = object && availableCondition(shared(object) as unknown as APIService)
    if (!object || !said || specOf(object) !== specOf(previous)) this.look(name)
  }

  #lookAround(namespace: string, service: string): void {
    for (const { name, destination } of this.#parts.core.remotes.all())
      if (destination.service.namespace === namespace && destination.service.name === service) this.look(name)
  }

  async #work(name: string, checking: Checking): Promise<void> {
    const { core } = this.#parts
    checking.running = true
    checking.cancel?.()
    await Promise.resolve()
    while (checking.again && !core.closing.aborted) {
      checking.again = false
      await this.#check(name, checking).catch(error => this.#failed(name, checking, error))
    }
    checking.running = false
    const remote = core.remotes.named(name)
    if (!remote) this.#checking.delete(name)
    if (!remote || core.closing.aborted) return
    const { failures } = checking
    const afterMs = failures === 0 ? lookAgainMs : Math.min(firstRetryMs * 2 ** (failures - 1), lookAgainMs)
    checking.cancel = core.clock.schedule(afterMs, () => this.look(name))
  }

  #failed(name: string, checking: Checking, error: unknown): void {
    if (isNotFound(error) || this.#parts.core.closing.aborted) return
    checking.failures++
    this.#parts.core.log.warn(
      { apiService: name, error: explain(error) },
      'the status of an APIService was not written',
    )
  }

  async #check(name: string, checking: Checking): Promise<void> {
    const { core, answered } = this.#parts
    const remote = core.remotes.named(name)
    if (!remote) return this.#write(name, localCondition)
    const condition = missingService(core, remote) ?? (await this.#ask(remote))
    // What it was asked about may be another by now.
    if (core.remotes.named(name)?.destination.service.name !== remote.destination.service.name) return
    checking.failures = condition.status === 'True' ? 0 : checking.failures + 1
    await this.#write(name, condition)
    if (condition.status === 'True') await answered(remote)
  }

  async #ask(remote: RemoteVersion): Promise<Condition> {
    const { calls, core } = this.#parts
    const { group, version, name } = remote
    const path = `/apis/${group}/${version}`
    const url = calls.urlOf(remote, path)
    let why = ''
    for (let attempt = 0; attempt < attempts; attempt++)
      try {
        const { status, body } = await calls.fetch(remote, path)
        if (status >= 200 && status < 300) {
          core.remotes.learn(name, readResourceList(parseJson(body).value, `${group}/${version}`))
          return passed
        }
        why = `bad status from ${url}: ${status}`
      } catch (error) {
        const own = error instanceof CallFailed || error instanceof ApiError
        why = own ? `Get ${JSON.stringify(url)}: ${error.message}` : explain(error)
      }
    return failedDiscovery(url, why)
  }

  async #write(name: string, condition: Condition): Promise<void> {
    const { core } = this.#parts
    const resource = core.resources.of(APIService)
    const kept = core.cache.get(resource, undefined, name)
    if (!kept) return
    const known = availableCondition(core.shared(kept) as unknown as APIService)
    if (known && sameCondition(known, condition)) return
    if (condition.status === 'False' && known?.status !== 'False')
      this.#turnedAway.inc({ name, reason: condition.reason ?? '' })
    await updateObject(
      core,
      resource,
      undefined,
      name,
      present => {
        const { status } = present as unknown as APIService
        const before = availableCondition(present as unknown as APIService)
        const lastTransitionTime =
          (before?.status === condition.status && before.lastTransitionTime) || timestamp(core.clock)
        const others = (status?.conditions ?? []).filter(c => c.type !== condition.type)
        present.metadata.resourceVersion = ''
        return { ...present, status: { ...status, conditions: [...others, { ...condition, lastTransitionTime }] } }
      },
      {
        ...{ user: system, dryRun: false, warnings: [], subresource: 'status' },
        track: trackPlainWrite(core, APIService, 'kube-apiserver', 'status'),
      },
    )
  }
}

const isAvailable = (service: APIService) => availableCondition(service)?.status === 'True'

const sameCondition = (a: Condition, b: Condition) =>
  a.status === b.status && a.reason === b.reason && a.message === b.message
