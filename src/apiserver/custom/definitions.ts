import { timestamp } from '../../base/clock.ts'
import { same } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import { isNotFound } from '../../models/api-error.ts'
import { customKind } from '../../models/custom/custom-kind.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import { CustomResourceDefinition as DefinitionKind } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { CustomResourceDefinition } from '../../models/types/apiextensions-v1.ts'
import type { Core } from '../core.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'
import type { Resource } from '../resources.ts'
import type { Bucket } from '../watch-cache/bucket.ts'
import type { KeptEvent } from '../watch-cache/kept-event.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { converterOf } from './converter.ts'
import { CustomForm, type DefinitionForm } from './custom-form.ts'
import { nextStatus } from './definition-status.ts'
import { emptyOut } from './instance-deletion.ts'

/** One definition as it is served. */
interface Served {
  /** Says all that serving depends on: a definition of the same sign is served already. */
  sign: string
  generation: number
  /** The definition is on its way out. */
  dying: boolean
  kinds: Kind<AnyObject>[]
  /** In the version in which objects are stored, served or not. */
  stored: Resource
  ended: AbortController
  /** Its last objects are watched on their way out. */
  emptying: boolean
}

const retryMs = 15_000

/**
 * Serves what CustomResourceDefinitions define, as soon as they are in the watch cache, and says so in their status.
 * Serving follows the cache synchronously: whoever sees a definition established finds it served.
 */
export class Definitions {
  readonly #core: Core
  readonly #served = new Map<string, Served>()
  readonly #resource: Resource
  /** Names of definitions whose status is to be looked at. */
  readonly #queue = new Set<string>()
  #working = false

  constructor(core: Core) {
    this.#core = core
    this.#resource = core.resources.of(DefinitionKind)
  }

  /** Serves what is there already, and follows. */
  start(): void {
    const bucket = this.#core.cache.bucket(this.#resource)
    for (const kept of bucket.list()) this.#serve(kept)
    bucket.listeners.add(this)
    for (const kept of bucket.list()) this.#look(kept.name)
  }

  changed(event: KeptEvent): void {
    if (event.object) this.#serve(event.object)
    else this.#forget(event.name)
    this.#look(event.name)
    // A name may have become free.
    const group = groupOf(event.name)
    for (const other of this.#bucket().list())
      if (other.name !== event.name && groupOf(other.name) === group) this.#look(other.name)
  }

  #bucket(): Bucket {
    return this.#core.cache.bucket(this.#resource)
  }

  #parsed(kept: KeptObject): CustomResourceDefinition {
    return this.#core.shared(kept) as unknown as CustomResourceDefinition
  }

  /** A definition that was damaged in the store is not served, and is nobody else's trouble. */
  #serve(kept: KeptObject): void {
    try {
      this.#follow(kept)
    } catch (error) {
      this.#core.log.error({ definition: kept.name, error: explain(error) }, 'a stored definition cannot be served')
      this.#forget(kept.name)
    }
  }

  #follow(kept: KeptObject): void {
    const crd = this.#parsed(kept)
    const before = this.#served.get(kept.name)
    const sign = signOf(crd)
    if (before?.sign === sign) return
    const next = this.#build(crd, sign)
    this.#served.set(kept.name, next)
    const { resources, log } = this.#core
    for (const kind of before?.kinds ?? [])
      if (!next.kinds.some(k => k.version === kind.version && k.kind === kind.kind)) resources.kinds.remove(kind)
    for (const kind of next.kinds)
      try {
        resources.kinds.add(kind)
      } catch (error) {
        log.warn({ definition: kept.name, error: explain(error) }, 'a version of a definition cannot be served')
      }
    // Who watches the objects of a definition that goes hears how each of them goes first.
    if (before && onlyDies(before, next)) next.ended.signal.addEventListener('abort', () => before.ended.abort())
    else before?.ended.abort()
  }

  #build(crd: CustomResourceDefinition, sign: string): Served {
    const { resources, cache } = this.#core
    const ended = new AbortController()
    const kinds = new Map(crd.spec.versions.map(version => [version, customKind(crd, version)]))
    const storage = crd.spec.versions.find(v => v.storage) ?? crd.spec.versions[0]!
    const { convert, atOnce } = converterOf(this.#core, crd)
    const form: DefinitionForm = {
      storedAs: apiVersionOf(kinds.get(storage)!),
      since: cache.revision,
      schemas: new Map([...kinds.values()].map(kind => [apiVersionOf(kind), kind.custom!])),
      convert,
      convertsAtOnce: atOnce,
      ended: ended.signal,
    }
    if (crd.metadata.deletionTimestamp) for (const kind of kinds.values()) kind.verbs = dyingVerbs
    for (const kind of kinds.values()) resources.define(kind, new CustomForm(form, apiVersionOf(kind)))
    const established = crd.status?.conditions?.some(c => c.type === 'Established' && c.status === 'True')
    const shown = [...kinds].filter(([version, kind]) => version.served && established && !this.#isTaken(kind))
    return {
      sign,
      generation: crd.metadata.generation ?? 0,
      dying: crd.metadata.deletionTimestamp !== undefined,
      kinds: shown.map(([, kind]) => kind),
      stored: resources.of(kinds.get(storage)!),
      ended,
      emptying: false,
    }
  }

  /** Versions of groups that the server has itself are not somebody else's to define. */
  #isTaken({ group, version }: Kind<AnyObject>): boolean {
    return this.#core.resources.kinds.inGroupVersion(group, version).some(k => !k.custom)
  }

  #forget(name: string): void {
    const served = this.#served.get(name)
    if (!served) return
    this.#served.delete(name)
    for (const kind of served.kinds) this.#core.resources.kinds.remove(kind)
    served.ended.abort()
    this.#core.cache.forget(served.stored.prefix)
  }

  #look(name: string): void {
    this.#queue.add(name)
    if (!this.#working) void this.#work()
  }

  /** One after the other: names are given to who comes first. */
  async #work(): Promise<void> {
    this.#working = true
    // What the cache publishes now is all there before anything is decided.
    await Promise.resolve()
    try {
      for (const name of this.#queue) {
        this.#queue.delete(name)
        if (this.#core.closing.aborted) return
        await this.#settle(name).catch(error => this.#failed(name, error))
      }
    } finally {
      this.#working = false
    }
  }

  #failed(name: string, error: unknown): void {
    if (isNotFound(error) || this.#core.closing.aborted) return
    this.#core.log.warn({ definition: name, error: explain(error) }, 'the status of a definition was not written')
    this.#core.clock.schedule(retryMs, () => this.#look(name))
  }

  /** Writes the status that a definition should have, or brings it to its end. */
  async #settle(name: string): Promise<void> {
    const kept = this.#bucket().get('', name)
    if (!kept) return
    const crd = this.#parsed(kept)
    if (crd.metadata.deletionTimestamp) {
      const served = this.#served.get(name)
      if (served && !(await emptyOut(this.#core, this.#resource, crd, served.stored)))
        this.#lookWhenEmptier(name, served)
      return
    }
    const status = nextStatus(crd, this.#others(crd), timestamp(this.#core.clock))
    if (same(status, crd.status)) return
    await updateObject(
      this.#core,
      this.#resource,
      undefined,
      name,
      present => {
        const now = present as unknown as CustomResourceDefinition
        return { ...present, status: nextStatus(now, this.#others(now), timestamp(this.#core.clock)) }
      },
      {
        ...{ user: system, dryRun: false, warnings: [], subresource: 'status', trusted: true },
        track: trackPlainWrite(this.#core, this.#resource.kind, 'kube-apiserver', 'status'),
      },
    )
  }

  /** Objects with finalizers of their own go when somebody takes those off. */
  #lookWhenEmptier(name: string, served: Served): void {
    if (served.emptying) return
    served.emptying = true
    const { stored, ended } = served
    const { listeners } = this.#core.cache.bucket(stored)
    const listener = {
      changed: (event: KeptEvent) => {
        if (!event.object) this.#look(name)
      },
    }
    listeners.add(listener)
    ended.signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    // The last one may have gone meanwhile.
    if (this.#core.cache.bucket(stored).size === 0) this.#look(name)
  }

  #others({ metadata, spec }: CustomResourceDefinition): CustomResourceDefinition[] {
    return this.#bucket()
      .list()
      .filter(kept => kept.name !== metadata.name && groupOf(kept.name) === spec.group)
      .map(kept => this.#parsed(kept))
  }
}

/** Nothing new comes to a definition on its way out. */
const dyingVerbs: Kind<AnyObject>['verbs'] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Its deletion has begun, and nothing else has changed: that is one generation more. */
const onlyDies = (before: Served, next: Served): boolean =>
  next.dying && !before.dying && next.generation <= before.generation + 1

/** A definition is named after its plural and group. */
const groupOf = (name: string) => name.slice(name.indexOf('.') + 1)

function signOf({ metadata, status }: CustomResourceDefinition): string {
  const established = status?.conditions?.some(c => c.type === 'Established' && c.status === 'True')
  return JSON.stringify([
    metadata.uid,
    metadata.generation,
    status?.acceptedNames,
    established,
    Boolean(metadata.deletionTimestamp),
  ])
}
