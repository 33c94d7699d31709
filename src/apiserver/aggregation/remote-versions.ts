import { explain } from '../../base/errors.ts'
import { APIService, availableCondition } from '../../models/kinds/apiregistration/api-service.ts'
import type { Core } from '../core.ts'
import type { Destination } from '../outgoing/destination.ts'
import type { RequestInfo } from '../request-info.ts'
import type { KeptEvent } from '../watch-cache/kept-event.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import type { ApiResource } from './api-resource.ts'

/** A version of a group that another server serves, as its APIService says. */
export interface RemoteVersion {
  /** Of the APIService. */
  name: string
  group: string
  version: string
  groupPriority: number
  versionPriority: number
  destination: Destination & { service: { namespace: string; name: string; port: number } }
  /** Why it cannot be asked now: `MissingEndpoints: …`; undefined: it can. */
  unavailable: string | undefined
}

/** What other servers serve. Follows the APIServices synchronously: whoever sees one as available finds it served. */
export class RemoteVersions {
  readonly #core: () => Core
  readonly #byName = new Map<string, RemoteVersion>()
  readonly #resources = new Map<string, readonly ApiResource[]>()
  /** Grows with every change: what caches of discovery compare. */
  generation = 0

  constructor(core: () => Core) {
    this.#core = core
  }

  /** Takes what is there already, and follows. */
  start(): void {
    const { cache, resources } = this.#core()
    const bucket = cache.bucket(resources.of(APIService))
    for (const kept of bucket.list()) this.#take(kept)
    bucket.listeners.add(this)
  }

  changed(event: KeptEvent): void {
    if (event.object) this.#take(event.object)
    else this.#forget(event.name)
  }

  get size(): number {
    return this.#byName.size
  }

  all(): RemoteVersion[] {
    return [...this.#byName.values()]
  }

  named(name: string): RemoteVersion | undefined {
    return this.#byName.get(name)
  }

  find(group: string, version: string): RemoteVersion | undefined {
    return this.#byName.get(`${version}.${group}`)
  }

  /** Who serves what the request is about, if not we. */
  serving({ path, resource }: RequestInfo): RemoteVersion | undefined {
    if (this.#byName.size === 0) return undefined
    if (resource) return this.find(resource.group, resource.version)
    const found = /^\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path)
    return found ? this.find(found[1]!, found[2]!) : undefined
  }

  /** What the server said last that it serves there; undefined: it has not been asked yet. */
  resourcesOf(name: string): readonly ApiResource[] | undefined {
    return this.#resources.get(name)
  }

  learn(name: string, resources: readonly ApiResource[]): void {
    if (!this.#byName.has(name) || JSON.stringify(this.#resources.get(name)) === JSON.stringify(resources)) return
    this.#resources.set(name, resources)
    this.generation++
  }

  /** An APIService that was damaged in the store is nobody else's trouble. */
  #take(kept: KeptObject): void {
    const { log, shared } = this.#core()
    try {
      const remote = remoteVersion(shared(kept) as unknown as APIService)
      if (!remote) this.#forget(kept.name)
      else {
        this.#byName.set(kept.name, remote)
        this.generation++
      }
    } catch (error) {
      log.error({ apiService: kept.name, error: explain(error) }, 'a stored APIService cannot be followed')
      this.#forget(kept.name)
    }
  }

  #forget(name: string): void {
    this.#resources.delete(name)
    if (this.#byName.delete(name)) this.generation++
  }
}

function remoteVersion(object: APIService): RemoteVersion | undefined {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify, ...priorities } = object.spec
  if (!service) return undefined
  const { status, reason, message } = availableCondition(object) ?? { status: 'Unknown', reason: 'not yet checked' }
  return {
    ...{ name: object.metadata.name, group, version },
    groupPriority: priorities.groupPriorityMinimum,
    versionPriority: priorities.versionPriority,
    destination: {
      service: { namespace: service.namespace ?? '', name: service.name ?? '', port: service.port ?? 443 },
      caBundle,
      ...(insecureSkipTLSVerify ? { insecure: true } : {}),
    },
    unavailable: status === 'True' ? undefined : [reason, message].filter(Boolean).join(': '),
  }
}
