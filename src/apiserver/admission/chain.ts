import type { HistogramTally } from '../../base/tallies.ts'
import { Turns } from '../../base/turns.ts'
import { ApiError } from '../../models/api-error.ts'
import { type Kind, resourceName } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Core } from '../core.ts'
import type { AdmissionMetrics, AdmissionStep, Outcomes } from '../metrics/admission-metrics.ts'
import { system } from '../own-user.ts'
import type { Resource } from '../resources.ts'
import { type Claim, ClaimMoved } from '../storage/object-store.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

/** One change of one object that asks to be let in. */
export interface Admission {
  core: Core
  operation: Operation
  resource: Resource
  /** '' for the object itself. */
  subresource: string
  namespace: string | undefined
  name: string
  /** CREATE, UPDATE: what would be written; mutating plugins change it. CONNECT: the options. */
  object: AnyObject | undefined
  /** UPDATE, DELETE: what is there; shared, not to be changed. */
  previous: AnyObject | undefined
  user: UserInfo
  dryRun: boolean
  warnings: string[]
  /** The version in which the client wrote, when it is not that of `resource`. */
  requested?: Resource
  /** CreateOptions and the like, as the client gave them: what webhooks are shown. */
  options?: object
  /** Takes back what a writer of the object may not change; for plugins that let others outside change it. */
  settle?(): void
  /** A plugin that let others change the object asks for everybody's second turn: there is only one. */
  again?: boolean
  /** 1 in the second turn. */
  turn?: number
}

/** One rule of the house. Plugins run in order; `check`, `mutate`, `validate` of all before the next of any. Throw an ApiError to refuse. */
export interface AdmissionPlugin {
  name: string
  /** Asked once a resource, operation and subresource, and remembered. */
  handles(resource: Resource, operation: Operation, subresource: string): boolean
  /** Before anything is changed: whether such a thing may be asked at all. */
  check?(admission: Admission): void
  mutate?(admission: Admission): void | Promise<void>
  /** Asks what users have set up, and maybe others outside: one that refuses all must not keep the server itself from starting. */
  asksOthers?: boolean
  /** What it changes has its defaults already. */
  settlesDefaults?: boolean
  validate?(admission: Admission): void | Promise<void>
  /** What is taken or given back in the same commit. */
  claims?(admission: Admission): Claim[]
  /**
   * What else changes in the same commit, as the newest state allows. While it does, nobody else of the same namespace
   * writes anything that is charged; asked again when what it saw has changed. @throws ApiError Forbidden
   */
  charges?(admission: Admission): Claim[]
}

type Question = 'check' | 'mutate' | 'validate'

interface Timed {
  plugin: AdmissionPlugin
  times: Outcomes
}

interface Chosen extends Record<'claiming' | 'charging', AdmissionPlugin[]> {
  checking: Timed[]
  mutating: Timed[]
  validating: Timed[]
  times: Record<AdmissionStep, Outcomes>
  /** What some of them change lacks its defaults then. */
  unsettles: boolean
}

/** Tries of a commit whose charges another server changes at the same time. */
const chargeAttempts = 16

/** The plugins in order, and which of them concern what. */
export class AdmissionChain {
  readonly #plugins: AdmissionPlugin[]
  readonly #turns = new Turns()
  readonly #metrics: AdmissionMetrics
  #chosen = new WeakMap<Resource, Map<string, Chosen>>()

  constructor(plugins: AdmissionPlugin[], metrics: AdmissionMetrics) {
    this.#plugins = [...plugins]
    this.#metrics = metrics
  }

  /** They come last. */
  add(...plugins: AdmissionPlugin[]): void {
    this.#plugins.push(...plugins)
    this.#chosen = new WeakMap()
  }

  /** For what is not an object of the collection but asked of one: a binding, an eviction, a token. @throws ApiError */
  admit(admission: Admission): Promise<void> | undefined {
    const mutated = this.mutate(admission)
    return mutated instanceof Promise ? mutated.then(() => this.validate(admission)) : this.validate(admission)
  }

  // Who writes waits for admission only if somebody else is asked: what is waited for lives on the heap as long as its request.

  /** @returns true if some plugin may have changed it: then the object needs its defaults again. */
  mutate(admission: Admission): boolean | Promise<boolean> {
    const chosen = this.#for(admission)
    const began = this.#metrics.now()
    try {
      this.#ask(chosen.checking, admission, 'check')
      admission.turn = 0
      const pending = this.#ask(chosen.mutating, admission, 'mutate')
      if (pending || admission.again) return this.#mutateOn(pending, chosen, admission, began)
    } catch (error) {
      this.#tell(chosen.times.admit.refused, began)
      throw error
    }
    this.#tell(chosen.times.admit.passed, began)
    return chosen.unsettles
  }

  /** Once the first turn has ended. */
  async #mutateOn(
    pending: Promise<void> | undefined,
    { mutating, times, unsettles }: Chosen,
    admission: Admission,
    began: number,
  ): Promise<boolean> {
    try {
      await pending
      if (admission.again) {
        admission.turn = 1
        await this.#ask(mutating, admission, 'mutate')
      }
    } catch (error) {
      this.#tell(times.admit.refused, began)
      throw error
    }
    this.#tell(times.admit.passed, began)
    return unsettles
  }

  validate(admission: Admission): Promise<void> | undefined {
    const { validating, times } = this.#for(admission)
    const began = this.#metrics.now()
    try {
      const pending = this.#ask(validating, admission, 'validate')
      if (pending) return this.#validateOn(pending, times, began)
    } catch (error) {
      this.#tell(times.validate.refused, began)
      throw error
    }
    this.#tell(times.validate.passed, began)
    return undefined
  }

  async #validateOn(pending: Promise<void>, times: Chosen['times'], began: number): Promise<void> {
    try {
      await pending
    } catch (error) {
      this.#tell(times.validate.refused, began)
      throw error
    }
    this.#tell(times.validate.passed, began)
  }

  /** One after the other; most answer at once, and then there is nothing to wait for. @throws ApiError of the first that refuses */
  #ask(plugins: Timed[], admission: Admission, what: Question, from = 0): Promise<void> | undefined {
    let began = this.#metrics.now()
    for (let i = from; i < plugins.length; i++) {
      const { plugin, times } = plugins[i]!
      if (isOwnAffair(plugin, admission)) continue
      try {
        const pending = plugin[what]!(admission)
        if (pending) return this.#askOn(pending, began, plugins, admission, what, i)
      } catch (error) {
        this.#tell(times.refused, began)
        throw error
      }
      // Where one ends the next begins.
      began = this.#tell(times.passed, began)
    }
    return undefined
  }

  /** Once the one at `i` has answered. */
  async #askOn(
    pending: Promise<void>,
    began: number,
    plugins: Timed[],
    admission: Admission,
    what: Question,
    i: number,
  ): Promise<void> {
    const { times } = plugins[i]!
    try {
      await pending
    } catch (error) {
      this.#tell(times.refused, began)
      throw error
    }
    this.#tell(times.passed, began)
    await this.#ask(plugins, admission, what, i + 1)
  }

  /** @returns when that was */
  #tell(times: HistogramTally, began: number): number {
    const ended = this.#metrics.now()
    times.observe(ended - began)
    return ended
  }

  /** Writes with everything that is taken or charged in the same commit. */
  commit<T>(admission: Admission, write: (claims: Claim[]) => Promise<T>): Promise<T> {
    const { claiming, charging } = this.#for(admission)
    const claims = claiming.length === 0 ? none : claiming.flatMap(plugin => plugin.claims!(admission))
    if (charging.every(plugin => plugin.charges!(admission).length === 0)) return write(claims)
    return this.#turns.take(admission.namespace ?? '', async () => {
      for (let attempt = 1; ; attempt++)
        try {
          return await write([...claims, ...charging.flatMap(plugin => plugin.charges!(admission))])
        } catch (error) {
          if (!(error instanceof ClaimMoved) || attempt >= chargeAttempts) throw error
        }
    })
  }

  /** What `commit` would refuse, for a dry run. @throws ApiError */
  checkCharges(admission: Admission): void {
    for (const plugin of this.#for(admission).charging) plugin.charges!(admission)
  }

  /** True if creating such an object takes something that others may take at the same time. */
  mayClaim(resource: Resource): boolean {
    return this.#for({ resource, operation: 'CREATE', subresource: '' }).claiming.length > 0
  }

  #for({ resource, operation, subresource }: Pick<Admission, 'resource' | 'operation' | 'subresource'>): Chosen {
    let byOperation = this.#chosen.get(resource)
    if (!byOperation) this.#chosen.set(resource, (byOperation = new Map()))
    const key = `${operation} ${subresource}`
    let chosen = byOperation.get(key)
    if (!chosen) {
      const concerned = this.#plugins.filter(p => p.handles(resource, operation, subresource))
      const timed = (step: AdmissionStep, does: (plugin: AdmissionPlugin) => unknown): Timed[] =>
        concerned.filter(does).map(plugin => ({ plugin, times: this.#metrics.plugin(plugin.name, step, operation) }))
      chosen = {
        checking: timed('admit', p => p.check),
        mutating: timed('admit', p => p.mutate),
        validating: timed('validate', p => p.validate),
        claiming: concerned.filter(p => p.claims),
        charging: concerned.filter(p => p.charges),
        times: { admit: this.#metrics.step('admit', operation), validate: this.#metrics.step('validate', operation) },
        unsettles: concerned.some(p => p.mutate && !p.settlesDefaults),
      }
      byOperation.set(key, chosen)
    }
    return chosen
  }
}

const none: Claim[] = []

const isOwnAffair = ({ asksOthers }: AdmissionPlugin, { user }: Admission): boolean =>
  asksOthers === true && user === system

/** Whether the resource is one of these kinds. */
export function isOf(resource: Resource, ...kinds: Kind<any>[]): boolean {
  return kinds.includes(resource.kind)
}

/** `pods "web" is forbidden: why` */
export function forbidden(admission: Pick<Admission, 'resource' | 'name' | 'object'>, why: string): ApiError {
  const { kind } = admission.resource
  const name = shownName(admission)
  return new ApiError('Forbidden', `${resourceName(kind)} ${JSON.stringify(name)} is forbidden: ${why}`, {
    details: { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.plural },
  })
}

/** The name, or what it will begin with; `Unknown` where there is neither. */
export function shownName({ name, object }: Pick<Admission, 'name' | 'object'>): string {
  return name || object?.metadata?.generateName || 'Unknown'
}

/** Several reasons as one, each once: as it is, or `[first, second]`. */
export function aggregate(reasons: string[]): string {
  const unique = [...new Set(reasons)]
  return unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`
}
