import { ApiError } from '../../models/api-error.ts'
import { resourceName } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Core } from '../core.ts'
import type { Resource } from '../resources.ts'
import type { Claim } from '../storage/object-store.ts'

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
}

/** One rule of the house. Plugins run in order; `mutate` of all before `validate` of any. Throw an ApiError to refuse. */
export interface AdmissionPlugin {
  name: string
  /** Asked once a resource, operation and subresource, and remembered. */
  handles(resource: Resource, operation: Operation, subresource: string): boolean
  mutate?(admission: Admission): void | Promise<void>
  validate?(admission: Admission): void | Promise<void>
  /** What is taken or given back in the same commit. */
  claims?(admission: Admission): Claim[]
}

type Chosen = { mutating: AdmissionPlugin[]; validating: AdmissionPlugin[]; claiming: AdmissionPlugin[] }

/** The plugins in order, and which of them concern what. */
export class AdmissionChain {
  readonly #plugins: AdmissionPlugin[]
  #chosen = new WeakMap<Resource, Map<string, Chosen>>()

  constructor(plugins: AdmissionPlugin[]) {
    this.#plugins = [...plugins]
  }

  /** Comes last. */
  add(plugin: AdmissionPlugin): void {
    this.#plugins.push(plugin)
    this.#chosen = new WeakMap()
  }

  /** @returns true if some plugin ran: then the object needs its defaults again. */
  async mutate(admission: Admission): Promise<boolean> {
    const { mutating } = this.#for(admission)
    for (const plugin of mutating) {
      const pending = plugin.mutate!(admission)
      if (pending) await pending
    }
    return mutating.length > 0
  }

  async validate(admission: Admission): Promise<void> {
    for (const plugin of this.#for(admission).validating) {
      const pending = plugin.validate!(admission)
      if (pending) await pending
    }
  }

  claims(admission: Admission): Claim[] {
    const { claiming } = this.#for(admission)
    return claiming.length === 0 ? none : claiming.flatMap(plugin => plugin.claims!(admission))
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
      chosen = {
        mutating: concerned.filter(p => p.mutate),
        validating: concerned.filter(p => p.validate),
        claiming: concerned.filter(p => p.claims),
      }
      byOperation.set(key, chosen)
    }
    return chosen
  }
}

const none: Claim[] = []

/** `pods "web" is forbidden: why` */
export function forbidden(admission: Pick<Admission, 'resource' | 'name'>, why: string): ApiError {
  const { kind } = admission.resource
  return new ApiError('Forbidden', `${resourceName(kind)} ${JSON.stringify(admission.name)} is forbidden: ${why}`, {
    details: { name: admission.name, ...(kind.group ? { group: kind.group } : {}), kind: kind.plural },
  })
}
